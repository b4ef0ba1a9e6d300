import Base

/// Why a package is refused. Clients see one text for all defects; the reason is for the log.
enum PackageError: Error, Sendable, Equatable {
  /// Not a zip, or one that lies about itself or reaches outside its root.
  case defect(String)
  /// The files together are larger than Lambda allows.
  case tooLarge
}
