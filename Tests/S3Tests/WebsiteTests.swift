import Base
import Testing

@testable import S3

@Suite struct WebsiteTests {
  private func routing(_ rules: [(code: String?, prefix: String?, redirect: (inout S3Redirect) -> Void)] = []) -> WebsiteRouting {
    var configuration = WebsiteConfiguration(), index = IndexDocument()
    index.suffix = "index.html"
    configuration.indexDocument = index
    configuration.routingRules = rules.map { code, prefix, redirect in
      var rule = RoutingRuleShape(), condition = S3Condition(), target = S3Redirect()
      (condition.httpErrorCodeReturnedEquals, condition.keyPrefixEquals) = (code, prefix)
      redirect(&target)
      if code != nil || prefix != nil { rule.condition = condition }
      rule.redirect = target
      return rule
    }
    return WebsiteRouting(configuration)
  }
  private func request(_ path: String) -> WebsiteRouting.Request { .init(isSecure: false, host: "site", path: path, query: "a=b") }

  @Test func `directories have an index`() {
    #expect(routing().key("") == "index.html" && routing().key("a/") == "a/index.html" && routing().key("a") == "a")
    #expect(routing().directoryIndex("a") == "a/index.html" && routing().directoryIndex("a/") == nil)
  }

  @Test func `rules redirect by prefix and by error`() {
    let routing = routing([
      (nil, "old/", { $0.replaceKeyPrefixWith = "new/" }),
      ("404", "up/", { ($0.hostName, $0.protocol, $0.replaceKeyWith, $0.httpRedirectCode) = ("h", "https", "gone page", "302") }),
    ])
    #expect(routing.redirect(request("old/x y")) == .init(status: 301, location: "http://site/new/x%20y"))
    #expect(routing.redirect(request("up/x")) == nil)
    #expect(routing.redirect(request("up/x"), after: 404) == .init(status: 302, location: "https://h/gone%20page"))
    #expect(routing.redirect(request("up/x"), after: 403) == nil && routing.redirect(request("old/x"), after: 404) == nil)
  }

  @Test func `everything may go elsewhere`() {
    var configuration = WebsiteConfiguration(), all = RedirectAllRequestsTo()
    all.hostName = "example.com"
    configuration.redirectAllRequestsTo = all
    #expect(WebsiteRouting(configuration).redirect(request("a\r\nb")) == .init(status: 301, location: "http://example.com/a%0D%0Ab?a=b"))
  }
}
