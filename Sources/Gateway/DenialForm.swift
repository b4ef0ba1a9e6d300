import Base
import Wire

/// Puts the errors that do not belong to one service into the code and status that the protocol family uses.
enum DenialForm {
  static func shape(_ error: AWSError, _ recognised: Recognised) -> AWSError {
    var error = error
    if error.code == "InternalFailure", recognised.wireProtocol == .restXml {
      (error.code, error.message) = ("InternalError", "We encountered an internal error. Please try again.")
    }
    guard error.code == "AccessDeniedException" || error.code == "AccessDenied" else { return error }
    let isQueryCompatible = recognised.model?.isQueryCompatible == true
    switch recognised.wireProtocol {
    case .awsQuery, .restXml:
      // SNS has a modelled error for it, and nobody else has.
      error.code = recognised.model?.name == "sns" ? "AuthorizationErrorException" : "AccessDenied"
      error.status = 403
    case .awsJson10, .awsJson11, .awsCbor11, .rpcv2Cbor:
      // SQS keeps the 403 and the bare code of its Query days; the other JSON services answer 400.
      error.status = isQueryCompatible ? 403 : 400
      error.code = isQueryCompatible ? "AccessDenied" : "AccessDeniedException"
    case .restJson:
      error.code = "AccessDeniedException"
      error.status = 403
    }
    return error
  }
}
