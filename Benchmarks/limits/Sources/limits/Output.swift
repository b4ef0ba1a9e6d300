#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Whoever reads the counts reads a pipe, which is not flushed by line.
func flushOutput() { fflush(nil) }
