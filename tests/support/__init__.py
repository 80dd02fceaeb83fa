"""What tests share. No test imports from a test."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""the repository"""
