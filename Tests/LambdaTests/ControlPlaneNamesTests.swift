import Base
import Testing

@testable import Lambda

@Test(
  arguments: [
    ("f", nil, "f", nil, "111111111111"), ("f:prod", nil, "f", "prod", "111111111111"), ("f", "7", "f", "7", "111111111111"),
    ("f:prod", "prod", "f", "prod", "111111111111"), ("f:$LATEST", nil, "f", "$LATEST", "111111111111"),
    ("222222222222:function:f", nil, "f", nil, "222222222222"), ("222222222222:f:x", nil, "f", "x", "222222222222"),
    ("function:f", nil, "f", nil, "111111111111"), ("us-east-1:222222222222:function:f", nil, "f", nil, "222222222222"),
    ("arn:aws:lambda:us-east-1:222222222222:function:f", nil, "f", nil, "222222222222"),
    ("arn:aws:lambda:us-east-1:222222222222:function:f:3", nil, "f", "3", "222222222222"),
  ] as [(String, String?, String, String?, String)])
func `a function is named in every form that AWS knows`(
  text: String, asked: String?, name: String, qualifier: String?, account: String
) throws {
  let parsed = try FunctionName(text, qualifier: asked, account: .one, region: .usEast1)
  #expect(parsed.id.name == name && parsed.qualifier == qualifier && parsed.id.account.text == account)
}

@Test(
  arguments: [
    (String(repeating: "x", count: 65), nil, "InvalidParameterValueException", "have length less than or equal to 64"),
    (
      "arn:aws:lambda:eu-west-1:111111111111:function:f", nil, "ResourceNotFoundException",
      "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"
    ),
    (
      "f:a", "b", "InvalidParameterValueException",
      "The derived qualifier from the function name does not match the specified qualifier."
    ),
    ("a b", nil, "ValidationException", "satisfy regular expression pattern: (arn:"),
    ("", nil, "ValidationException", "satisfy regular expression pattern"),
    ("f:", nil, "ValidationException", "Value 'f:' at 'functionName'"),
    ("a:b:c", nil, "ValidationException", "'functionName'"),
    ("arn:aws:sqs:us-east-1:111111111111:f", nil, "ValidationException", "'functionName'"),
    ("f", "a b", "ValidationException", "'qualifier'"),
  ] as [(String, String?, String, String)])
func `a name that cannot be is refused in AWS's words`(text: String, qualifier: String?, code: String, message: String) {
  let error = #expect(throws: AWSError.self) { try FunctionName(text, qualifier: qualifier, account: .one, region: .usEast1) }
  #expect(error?.code == code)
  #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
}
