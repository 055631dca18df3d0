var say = print
