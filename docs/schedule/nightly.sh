#!/bin/sh
# Runs one job for cron: nightly.sh jobs/products.yaml [OPTIONS]
# cron mails what this prints, so it is silent where nobody has to do anything.
set -u
job=$1
shift
report="output/$(basename "$job" .yaml).night"
mkdir -p output
code=0
pipeline run "$job" --json "$@" >"$report.json" 2>"$report.log" || code=$?
case $code in
  0) exit 0 ;;                              # all rows are there
  3)                                        # the table is there; said once, and not by each later call
    grep -q '"sent": 0,' "$report.json" || echo "$job: some rows failed; $report.json says why"
    exit 0 ;;
  75)                                       # batches are under way, an outage, another run: the next call goes on
    case " $* " in *" --detach "*) ;; *) cat "$report.log" ;; esac   # the last call of the night says why
    exit 0 ;;
  *) cat "$report.log"; exit "$code" ;;     # 2, 4, 74: somebody has to mend something
esac
