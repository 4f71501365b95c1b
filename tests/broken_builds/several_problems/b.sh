echo 1
### END_CODE_HERE ###
