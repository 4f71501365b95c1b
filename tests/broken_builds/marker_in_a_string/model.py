HELP = """
### START_CODE_HERE ###
"""
