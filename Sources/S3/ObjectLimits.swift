import Base

/// The numbers of objects and uploads. Where AWS states them: "Amazon S3 multipart upload limits", "Creating object key names",
/// "Working with object metadata", "Categorizing your storage using tags", and the API reference of the operation.
extension S3Limits {
  static let keyBytes = 1024
  static let metadataBytes = 2048
  /// In one piece; also of a copy.
  static let objectBytes = 5 << 30
  /// Of parts: 5 MiB to 5 GiB, but the last may be smaller.
  static let partBytes = 5 << 20...5 << 30
  static let partNumbers = 1...10_000
  /// Of all parts together: 50 TB since December 2025.
  static let multipartBytes = 50 << 40
  /// Of DeleteObjects.
  static let deletedKeys = 1000
  /// Of lists, and what they give when nothing is asked.
  static let listedKeys = 1000

  // Ours.

  /// An object up to this size stands in the row of its content, a larger one in a file.
  static let inlineBytes = 16 << 10
  /// Of an object that is read or copied, so many bytes at a time.
  static let pieceBytes = 256 << 10
  /// What is done of the work of collectors within one transaction.
  static let rowsPerSweep = 500
  /// How long CompleteMultipartUpload can be repeated with the same answer.
  static let completedUploads: Duration = .minutes(24 * 60)
}
