"""What happens in the folder of a job. The only folder that joins engine, lanes, providers and output."""
