import Base
import Fabric

/// Names a function as clients do: account, Region and name, perhaps with a version or alias.
struct FunctionID: Hashable, Sendable {
  var account: AccountID
  var region: Region
  var name: String

  /// `arn:aws:lambda:REGION:ACCOUNT:function:NAME`
  var arn: ARN { ARN("lambda", region, account, "function:\(name)") }
}

/// One version of a function, with everything that running it needs. `$LATEST` is the only one that changes.
struct FunctionVersion: Sendable, Equatable {
  /// What may follow: pending → active or failed; active → active. A failed one can only be deleted.
  enum State: Sendable, Equatable {
    case pending
    case active
    case failed(reason: String, code: String)
  }
  /// What may follow: inProgress → successful or failed; both → inProgress.
  enum UpdateStatus: Sendable, Equatable {
    case successful
    case inProgress
    case failed(reason: String, code: String)
  }
  enum LogFormat: String, Sendable { case text = "Text", json = "JSON" }
  enum Tracing: String, Sendable { case active = "Active", passThrough = "PassThrough" }

  var id: FunctionID
  /// `$LATEST` or a number from 1.
  var version: String
  var description: String
  /// The identifier that the user asked for, such as `python3.13`; empty, as the handler, for a container image.
  var runtime: String
  var handler: String
  var role: ARN
  var environment: [String: String]
  /// 1 s to 900 s.
  var timeout: Duration
  /// 128 to 10,240.
  var memoryMegabytes: Int
  /// The size of /tmp, 512 to 10,240.
  var ephemeralStorageMegabytes: Int
  var architecture: String
  /// SHA-256 of the zip in lower-case hex; the API shows it in base64. Of an image, the digest of its manifest.
  var codeHash: String
  /// Of the zip, in bytes; 0 of an image, as on AWS.
  var codeSize: Int
  var logFormat: LogFormat
  /// The least level of log records that function code and the platform write; nil unless the format is JSON.
  var applicationLogLevel: String?
  var systemLogLevel: String?
  /// `/aws/lambda/NAME` unless the user chose another.
  var logGroup: String
  var tracing: Tracing
  /// SQS queue or SNS topic for asynchronous events that failed.
  var deadLetterTarget: ARN?
  var state: State
  var updateStatus: UpdateStatus
  var lastModified: Instant
  /// Changes with every change of code or configuration; a running environment of another revision is not reused.
  var revisionID: String
  /// In the order in which they are merged into `/opt`.
  var layers: [LayerReference] = []
  /// Of the files of the package, in bytes; 0 when an older release stored the function.
  var unzippedSize = 0
  /// The directory of this host that is the code, in place of a package; then there are no hash and no size.
  var hotReloadDirectory: String?
  /// The object of S3 that the code came from, when the request named no version of it: what `reload-from-s3` follows.
  var codeObject: ObjectName?
  /// SnapStart is asked for: published versions are initialised ahead of their first invocation.
  var hasSnapStart = false
  /// Nil for a function made of a zip.
  var image: ImageSource?
  /// Nil when it never was in one.
  var vpc: VPCSettings?
  /// An invocation starts a durable execution; nil for an ordinary function.
  var durable: DurableSettings?

  /// It is initialised ahead, and restored for its first invocation.
  var isSnapshotted: Bool { hasSnapStart && version != Self.latest }

  /// With the version, as the Runtime API and the logs show it.
  var qualifiedARN: String { "\(id.arn):\(version)" }
}
