x = 1  ### START_CODE_HERE ###
