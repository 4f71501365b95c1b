#!/usr/bin/env bash
### START_CODE_HERE ###
# canary: c0ffee0000000002
echo 42
### END_CODE_HERE ###
