import Base
import Testing

@Test(arguments: ["000000000000", "123456789012"]) func `an account is twelve digits`(_ text: String) {
  #expect(AccountID(text)?.text == text)
}
@Test(arguments: ["", "12345678901", "1234567890123", "12345678901a", "１２３４５６７８９０１２", "-12345678901"])
func `what is not an account is refused`(_ text: String) {
  #expect(AccountID(text) == nil)
}

@Test(arguments: ["us-east-1", "eu-west-1", "us-gov-west-1", "local", "a"]) func `a Region is a lower-case name`(_ text: String) {
  #expect(Region(text)?.description == text)
}
@Test(arguments: ["", "US-EAST-1", "us_east_1", "us east", "é", "../etc", String(repeating: "a", count: 33)])
func `what is not a Region is refused`(_ text: String) {
  #expect(Region(text) == nil)
}

@Test func `an ARN keeps its parts, colons in the resource included`() throws {
  let text = "arn:aws:lambda:eu-west-1:123456789012:function:thumbs:3"
  let arn = try #require(ARN(text))
  #expect(arn == ARN(service: "lambda", region: "eu-west-1", account: "123456789012", resource: "function:thumbs:3"))
  #expect(arn.text == text)
  #expect(ARN("arn:aws:s3:::bucket/key")?.region == "")
  #expect(ARN("arn:aws-cn:iam::123456789012:role/a/b")?.partition == "aws-cn")
}
@Test func `an ARN of a service without Regions has none`() {
  #expect(ARN("iam", .global, .local, "role/r").text == "arn:aws:iam::000000000000:role/r")
  #expect(ARN("sqs", .usEast1, .local, "q").text == "arn:aws:sqs:us-east-1:000000000000:q")
}
@Test(arguments: ["", "arn", "arn:aws:sqs:us-east-1:1", "arn:aws:sqs:us-east-1:1:", "arn::sqs:r:a:x", "arn:aws::r:a:x", "urn:aws:sqs:r:a:x", ":::::"])
func `what is not an ARN is refused`(_ text: String) {
  #expect(ARN(text) == nil)
}
