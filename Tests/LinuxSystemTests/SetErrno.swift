import Glibc

func setErrno(_ number: Int32) { errno = number }
