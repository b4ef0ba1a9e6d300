import Base
import Testing

@testable import S3

@Suite struct CORSTests {
  private func rules(
    methods: [String] = ["GET", "PUT"], origins: [String] = ["https://*.example.com"], headers: [String]? = ["x-amz-*"],
    exposed: [String]? = nil
  ) -> S3CORSConfiguration {
    var configuration = S3CORSConfiguration(), rule = CORSRuleShape()
    (rule.allowedMethods, rule.allowedOrigins, rule.allowedHeaders, rule.exposeHeaders) = (methods, origins, headers, exposed)
    rule.maxAgeSeconds = 60
    configuration.corsRules = [rule]
    return configuration
  }

  @Test(arguments: [
    ("https://app.example.com", "GET", [], true), ("https://example.com", "GET", [], false), ("http://app.example.com", "GET", [], false),
    ("https://app.example.com", "DELETE", [], false), ("https://app.example.com", "PUT", ["x-amz-date"], true),
    ("https://app.example.com", "PUT", ["x-amz-date", "content-type"], false),
  ] as [(String, String, [String], Bool)])
  func `origin, method and headers have to fit one rule`(_ origin: String, _ method: String, _ headers: [String], _ fits: Bool) {
    let answer = CORSRules(rules()).answer(.init(origin: origin, method: method, headers: headers), isPreflight: true)
    #expect((answer != nil) == fits)
    guard let answer else { return }
    #expect(answer["access-control-allow-origin"] == origin && answer["access-control-allow-credentials"] == "true")
    #expect(answer["access-control-allow-methods"] == "GET, PUT" && answer["access-control-max-age"] == "60")
  }

  @Test func `a rule for all origins says so and takes no credentials`() {
    let answer = CORSRules(rules(origins: ["*"], exposed: ["ETag"])).answer(.init(origin: "https://a", method: "GET"), isPreflight: false)
    #expect(answer?["access-control-allow-origin"] == "*" && answer?["access-control-allow-credentials"] == nil)
    #expect(answer?["access-control-expose-headers"] == "ETag")
  }

  @Test func `origins are compared by their bytes`() {
    func fits(_ origin: String, _ pattern: String) -> Bool {
      CORSRules(rules(origins: [pattern])).answer(.init(origin: origin, method: "GET"), isPreflight: false) != nil
    }
    #expect(fits("https://e\u{301}.a", "https://e*") && fits("https://a*\u{301}", "https://a*\u{301}"))
    #expect(!fits("https://\u{e9}", "https://e\u{301}"))
    #expect(throws: AWSError.self) { try CORSRules.check(rules(origins: ["*\u{301}*"])) }
  }

  @Test func `configurations are checked`() {
    func code(_ configuration: S3CORSConfiguration) -> String? {
      do throws(AWSError) {
        try CORSRules.check(configuration)
        return nil
      } catch { return error.code }
    }
    #expect(code(rules()) == nil)
    #expect(code(S3CORSConfiguration(corsRules: [])) == "MalformedXML")
    #expect(code(rules(methods: ["PATCH"])) == "InvalidRequest")
    #expect(code(rules(origins: ["*.*"])) == "InvalidRequest")
    #expect(code(rules(headers: ["*-*"])) == "InvalidRequest")
    #expect(code(rules(exposed: ["*"])) == "InvalidRequest")
  }
}

extension S3CORSConfiguration {
  fileprivate init(corsRules: [CORSRuleShape]) {
    self.init()
    self.corsRules = corsRules
  }
}
