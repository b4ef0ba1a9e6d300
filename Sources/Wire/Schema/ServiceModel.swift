import Base

/// The protocols of the AWS APIs.
public enum WireProtocol: String, Sendable, Hashable {
  case awsJson10, awsJson11, awsQuery, restJson, restXml, rpcv2Cbor
  /// `application/x-amz-cbor-1.1`: awsJson 1.1 with CBOR for JSON, as the Java clients of Kinesis speak it.
  case awsCbor11
}

/// One operation as the model describes it.
public final class OperationModel: Sendable {
  public let name: String
  public let method: String
  /// The URI template of REST protocols, for example `/2015-03-31/functions/{FunctionName}`.
  public let uri: String
  /// The HTTP status of success.
  public let status: Int
  /// Nil where the model has no input or output.
  public let input: StructureShape?
  public let output: StructureShape?
  /// The name that wraps the output in awsQuery (`SendMessageResult`), or the root element of a restXml output where that is
  /// not the name of its shape (`ListBucketResult`).
  public let resultWrapper: String?
  /// Names of the error shapes that the operation may answer.
  public let errors: [String]
  /// The model says that the call needs no signature (AssumeRoleWithWebIdentity).
  public let isUnsigned: Bool
  /// The output's only member is the root element of the restXml body (S3's GetBucketLocation).
  public let isUnwrapped: Bool

  public init(
    name: String, method: String = "POST", uri: String = "/", status: Int = 200, input: StructureShape?, output: StructureShape?,
    resultWrapper: String? = nil, errors: [String] = [], isUnsigned: Bool = false, isUnwrapped: Bool = false
  ) {
    (self.name, self.method, self.uri, self.status) = (name, method, uri, status)
    (self.input, self.output, self.resultWrapper, self.errors) = (input, output, resultWrapper, errors)
    (self.isUnsigned, self.isUnwrapped) = (isUnsigned, isUnwrapped)
  }
}

/// Whose words a service uses for input that its model forbids.
public enum ValidationStyle: String, Sendable {
  /// Every constraint of the model is checked, in the words of AWS's common validator (`1 validation error detected: …`).
  case model
  /// The service checks values itself; only a missing required member is refused here (`MissingParameter`).
  case own
}

/// A service as its model describes it: all its operations, implemented or not.
public final class ServiceModel: Sendable {
  /// The lower-case name that we use everywhere: `sqs`, `lambda`, `iam`, `sts`, `logs`.
  public let name: String
  /// The service part of the credential scope.
  public let signingName: String
  public let endpointPrefix: String
  public let apiVersion: String
  /// The first is what answers go out in when the request does not decide.
  public let protocols: [WireProtocol]
  /// What stands before the operation in `X-Amz-Target`; nil for protocols without it.
  public let targetPrefix: String?
  public let xmlNamespace: String?
  public let operations: [String: OperationModel]
  public let structures: [String: StructureShape]
  /// `x-amzn-query-error` is sent for services that moved from Query to JSON (SQS).
  public let isQueryCompatible: Bool
  /// Every answer carries `x-amz-crc32` of its body (DynamoDB).
  public let hasBodyChecksum: Bool
  /// The namespace of absolute shape ids, such as `com.amazonaws.sqs`.
  public let shapeNamespace: String
  public let validation: ValidationStyle

  public init(
    name: String, signingName: String, endpointPrefix: String, apiVersion: String, protocols: [WireProtocol],
    targetPrefix: String?, xmlNamespace: String?, operations: [String: OperationModel], structures: [String: StructureShape],
    isQueryCompatible: Bool = false, hasBodyChecksum: Bool = false, shapeNamespace: String, validation: ValidationStyle = .model
  ) {
    (self.name, self.signingName, self.endpointPrefix) = (name, signingName, endpointPrefix)
    (self.apiVersion, self.protocols, self.targetPrefix) = (apiVersion, protocols, targetPrefix)
    (self.xmlNamespace, self.operations, self.structures) = (xmlNamespace, operations, structures)
    (self.isQueryCompatible, self.shapeNamespace, self.validation) = (isQueryCompatible, shapeNamespace, validation)
    self.hasBodyChecksum = hasBodyChecksum
  }

  /// A structure that the generated code knows to exist.
  public func structure(_ name: String) -> StructureShape {
    guard let shape = structures[name] else { preconditionFailure("schema: \(self.name) has no structure \(name)") }
    return shape
  }
}
