internal import Glibc

extension Errno {
  /// `EPERM`: operation not permitted.
  package static let notPermitted = Errno(rawValue: EPERM)
  /// `ENOENT`: no such file or directory.
  package static let noEntry = Errno(rawValue: ENOENT)
  /// `ESRCH`: no such process.
  package static let noProcess = Errno(rawValue: ESRCH)
  /// `EINTR`: interrupted system call.
  package static let interrupted = Errno(rawValue: EINTR)
  /// `EIO`: input/output error.
  package static let ioError = Errno(rawValue: EIO)
  /// `ENXIO`: no such device or address.
  package static let noSuchDevice = Errno(rawValue: ENXIO)
  /// `EBADF`: bad file descriptor.
  package static let badDescriptor = Errno(rawValue: EBADF)
  /// `ECHILD`: no child processes.
  package static let noChild = Errno(rawValue: ECHILD)
  /// `EAGAIN`: resource temporarily unavailable.
  package static let wouldBlock = Errno(rawValue: EAGAIN)
  /// `ENOMEM`: cannot allocate memory.
  package static let noMemory = Errno(rawValue: ENOMEM)
  /// `EACCES`: permission denied.
  package static let accessDenied = Errno(rawValue: EACCES)
  /// `ENOTBLK`: block device required.
  package static let notBlockDevice = Errno(rawValue: ENOTBLK)
  /// `EBUSY`: device or resource busy.
  package static let busy = Errno(rawValue: EBUSY)
  /// `EEXIST`: file exists.
  package static let exists = Errno(rawValue: EEXIST)
  /// `EXDEV`: invalid cross-device link.
  package static let crossDevice = Errno(rawValue: EXDEV)
  /// `ENODEV`: no such device.
  package static let noDevice = Errno(rawValue: ENODEV)
  /// `ENOTDIR`: not a directory.
  package static let notDirectory = Errno(rawValue: ENOTDIR)
  /// `EISDIR`: is a directory.
  package static let isDirectory = Errno(rawValue: EISDIR)
  /// `EINVAL`: invalid argument.
  package static let invalid = Errno(rawValue: EINVAL)
  /// `EAFNOSUPPORT`: address family not supported by protocol.
  package static let addressFamilyNotSupported = Errno(rawValue: EAFNOSUPPORT)
  /// `EADDRNOTAVAIL`: cannot assign requested address.
  package static let addressNotAvailable = Errno(rawValue: EADDRNOTAVAIL)
  /// `EMFILE`: too many open files.
  package static let tooManyFiles = Errno(rawValue: EMFILE)
  /// `ENOTTY`: inappropriate ioctl for device.
  package static let notTerminal = Errno(rawValue: ENOTTY)
  /// `EFBIG`: file too large.
  package static let fileTooLarge = Errno(rawValue: EFBIG)
  /// `ENOSPC`: no space left on device.
  package static let noSpace = Errno(rawValue: ENOSPC)
  /// `EROFS`: read-only file system.
  package static let readOnly = Errno(rawValue: EROFS)
  /// `EPIPE`: broken pipe.
  package static let brokenPipe = Errno(rawValue: EPIPE)
  /// `ENAMETOOLONG`: file name too long.
  package static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
  /// `ENOSYS`: function not implemented.
  package static let notImplemented = Errno(rawValue: ENOSYS)
  /// `ENOTEMPTY`: directory not empty.
  package static let notEmpty = Errno(rawValue: ENOTEMPTY)
  /// `ELOOP`: too many levels of symbolic links.
  package static let loop = Errno(rawValue: ELOOP)
  /// `EOPNOTSUPP`: operation not supported.
  package static let notSupported = Errno(rawValue: EOPNOTSUPP)
  /// `ECONNRESET`: connection reset by peer.
  package static let connectionReset = Errno(rawValue: ECONNRESET)
  /// `ECONNABORTED`: software caused connection abort.
  package static let connectionAborted = Errno(rawValue: ECONNABORTED)
  /// `ENOTCONN`: transport endpoint is not connected.
  package static let notConnected = Errno(rawValue: ENOTCONN)
  /// `ETIMEDOUT`: connection timed out.
  package static let timedOut = Errno(rawValue: ETIMEDOUT)
  /// `ECONNREFUSED`: connection refused.
  package static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  /// `ESTALE`: stale file handle.
  package static let stale = Errno(rawValue: ESTALE)
  /// `EUCLEAN`: structure needs cleaning.
  package static let structureNeedsCleaning = Errno(rawValue: EUCLEAN)
  /// `EDQUOT`: disk quota exceeded.
  package static let quotaExceeded = Errno(rawValue: EDQUOT)
  /// `ECANCELED`: operation canceled.
  package static let cancelled = Errno(rawValue: ECANCELED)
  /// `EADDRINUSE`: address already in use.
  package static let addressInUse = Errno(rawValue: EADDRINUSE)
  /// `EMEDIUMTYPE`: wrong medium type.
  package static let wrongMediumType = Errno(rawValue: EMEDIUMTYPE)
}

extension Errno {
  /// The names in errno(3), by number. glibc has a function for that only since 2.32.
  static let names: [Int32: String] = [
    EPERM: "EPERM", ENOENT: "ENOENT", ESRCH: "ESRCH", EINTR: "EINTR", EIO: "EIO", ENXIO: "ENXIO",
    EBADF: "EBADF", ECHILD: "ECHILD", EAGAIN: "EAGAIN", ENOMEM: "ENOMEM", EACCES: "EACCES", ENOTBLK: "ENOTBLK",
    EBUSY: "EBUSY", EEXIST: "EEXIST", EXDEV: "EXDEV", ENODEV: "ENODEV", ENOTDIR: "ENOTDIR", EISDIR: "EISDIR",
    EINVAL: "EINVAL", EMFILE: "EMFILE", ENOTTY: "ENOTTY", EFBIG: "EFBIG", ENOSPC: "ENOSPC", EROFS: "EROFS",
    EPIPE: "EPIPE", ENAMETOOLONG: "ENAMETOOLONG", ENOSYS: "ENOSYS", ENOTEMPTY: "ENOTEMPTY", ELOOP: "ELOOP",
    EOPNOTSUPP: "EOPNOTSUPP", ECONNRESET: "ECONNRESET", ECONNABORTED: "ECONNABORTED", ENOTCONN: "ENOTCONN",
    ETIMEDOUT: "ETIMEDOUT", ECONNREFUSED: "ECONNREFUSED", ESTALE: "ESTALE", EUCLEAN: "EUCLEAN",
    EDQUOT: "EDQUOT", ECANCELED: "ECANCELED", EADDRINUSE: "EADDRINUSE", EMEDIUMTYPE: "EMEDIUMTYPE",
    E2BIG: "E2BIG", ENOEXEC: "ENOEXEC", EFAULT: "EFAULT", ENFILE: "ENFILE", ETXTBSY: "ETXTBSY",
    ESPIPE: "ESPIPE", EMLINK: "EMLINK", EDOM: "EDOM", ERANGE: "ERANGE", EDEADLK: "EDEADLK", ENOLCK: "ENOLCK",
    ENODATA: "ENODATA", ETIME: "ETIME", EBADMSG: "EBADMSG", EOVERFLOW: "EOVERFLOW", EILSEQ: "EILSEQ",
    EUSERS: "EUSERS", ENOTSOCK: "ENOTSOCK", EDESTADDRREQ: "EDESTADDRREQ", EMSGSIZE: "EMSGSIZE",
    EPROTOTYPE: "EPROTOTYPE", ENOPROTOOPT: "ENOPROTOOPT", EPROTONOSUPPORT: "EPROTONOSUPPORT",
    EAFNOSUPPORT: "EAFNOSUPPORT", EADDRNOTAVAIL: "EADDRNOTAVAIL", ENETDOWN: "ENETDOWN",
    ENETUNREACH: "ENETUNREACH", ENOBUFS: "ENOBUFS", EISCONN: "EISCONN", ESHUTDOWN: "ESHUTDOWN",
    EHOSTUNREACH: "EHOSTUNREACH", EALREADY: "EALREADY", EINPROGRESS: "EINPROGRESS", EREMOTEIO: "EREMOTEIO",
    ENOMEDIUM: "ENOMEDIUM", EPROTO: "EPROTO", ENOKEY: "ENOKEY",
  ]
}
