"""What happens in the folder of a job. The only room that joins engine, lanes, providers and output."""
