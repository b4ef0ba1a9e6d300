import Base
import Fabric

/// Browsers of other origins: a bucket's CORS configuration decides, and without one nobody is let in.
struct BucketOrigins: CrossOriginPort {
  let buckets: BucketCache

  func decide(_ request: CrossOriginRequest, for resource: String) async -> CrossOriginDecision {
    let configuration: S3CORSConfiguration? = try? await buckets.find(resource)?.settings.get(.cors)
    guard let configuration else { return .refused(S3Error.corsIsOff) }
    let asked = CORSRules.Request(origin: request.origin, method: request.method, headers: request.headers)
    guard let fields = CORSRules(configuration).answer(asked, isPreflight: request.isPreflight) else {
      return .refused(S3Error.corsRefusal)
    }
    return .allowed(fields)
  }
}
