if true; then
    ### START_CODE_HERE ###
    #| fi
    # canary: c0ffee000000000f
    echo yes
    ### END_CODE_HERE ###
fi
