"""A template's tree -> the same tree, paying for what it does.

Loops and macros pay for each turn by the size of their body; texts joined with `~`, lists, slices and
comparisons pay by the size of their values. A template without any of these stays as it is.
This module does not know how much there is to be spent.
"""

from __future__ import annotations

from typing import TypeVar, cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from pipeline.templates.sandbox.allowance import MADE, STEP

PAID, SCANNED, COPIED, JOINED = " paid", " scanned", " copied", " joined"
"""filters that no template can name, for the blank in them"""
_HEAVY = (nodes.For, nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock, nodes.Call)
_DEAR = 10
"""operations that a heavy node is worth"""
_CALLED = 320
"""units of calling a macro"""
_LITERALS = (nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair)
T = TypeVar("T", bound=nodes.Node)


def paying(tree: nodes.Template) -> nodes.Template:
    """The tree, changed in place."""
    changed = _Paying().visit(tree)
    assert isinstance(changed, nodes.Template)  # noqa: S101 - narrows the type
    return changed


def weight(node: nodes.Node) -> int:
    """Units that a node takes with all below it, once through."""
    units = 0
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, nodes.TemplateData):
            units += MADE * len(item.data)
        elif isinstance(item, (*_HEAVY, nodes.Filter, nodes.Test)):
            units += _DEAR * STEP
        else:
            units += STEP
        stack.extend(item.iter_child_nodes())
    return units


def is_constant(node: nodes.Node) -> bool:
    """Whether a value stands in the template as it is."""
    if isinstance(node, _LITERALS):
        return all(is_constant(child) for child in node.iter_child_nodes())
    return isinstance(node, nodes.Const | nodes.TemplateData)


def _filtered(node: nodes.Expr, name: str, *args: int) -> nodes.Filter:
    constants = [nodes.Const(arg, lineno=node.lineno) for arg in args]
    return nodes.Filter(node, name, constants, [], None, None, lineno=node.lineno)


class _Paying(NodeTransformer):
    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        units = weight(node)
        node.body.insert(0, _payment(node.lineno, units))
        if node.test is not None:
            node.test = _filtered(cast("nodes.Expr", node.test), PAID, units)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Macro:
        return _body_paying(self, node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.CallBlock:
        return _body_paying(self, node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        self.generic_visit(node)
        return _filtered(nodes.Tuple(node.nodes, "load", lineno=node.lineno), JOINED)

    def visit_List(self, node: nodes.List) -> nodes.Expr:
        return self._literal(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:
        return self._literal(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:
        if node.ctx != "load":
            return node
        return self._literal(node)

    def _literal(self, node: nodes.Expr) -> nodes.Expr:
        if is_constant(node):
            return node
        self.generic_visit(node)
        return _filtered(node, SCANNED)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            return _filtered(node, COPIED)
        if not is_constant(node.arg):
            node.arg = _filtered(node.arg, SCANNED)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        self.generic_visit(node)
        operands = [node.expr, *(one.expr for one in node.ops)]
        searched = any(one.op in ("in", "notin") and not is_constant(one.expr) for one in node.ops)
        if searched or sum(not is_constant(operand) for operand in operands) > 1:
            node.expr = _scanned(node.expr)
            for one in node.ops:
                one.expr = _scanned(one.expr)
        return node


def _scanned(node: nodes.Expr) -> nodes.Expr:
    return node if is_constant(node) else _filtered(node, SCANNED)


def _payment(line: int, units: int) -> nodes.ExprStmt:
    return nodes.ExprStmt(_filtered(nodes.Const(0, lineno=line), PAID, units), lineno=line)


def _body_paying(visitor: NodeTransformer, node: T) -> T:
    visitor.generic_visit(node)
    assert isinstance(node, nodes.Macro | nodes.CallBlock)  # noqa: S101 - narrows the type
    units = _CALLED + weight(node)
    node.body.insert(0, _payment(node.lineno, units))
    return node
