print("dewpoint")
