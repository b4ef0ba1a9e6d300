/// Why an image cannot be used. The texts that clients see are in `LambdaError`.
enum ImageError: Error, Sendable, Equatable {
  /// The URI has no form in which an image can be named here, or names a place that may not be read.
  case invalidReference
  case notFound
  /// The files of the image cannot be read.
  case accessDenied(String)
  /// Manifest, configuration or a layer is of a kind that Lambda does not take.
  case unsupportedMediaType(String)
  /// The image contradicts itself, or is hostile. The reason is shown.
  case defect(String)
}
