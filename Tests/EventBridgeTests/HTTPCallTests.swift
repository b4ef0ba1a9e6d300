import Base
import Testing

@testable import EventBridge

private let event: Event = {
  let draft = Event.Draft(
    source: "shop", detailType: "order", detail: ["id": "a b", "n": 7], resources: [], time: Instant(seconds: 0))
  return Event(draft, id: "e", account: .local, region: .usEast1, ingested: Instant(seconds: 0))
}()

private func call(_ endpoint: String, _ parameters: Target.HTTP? = nil, method: String = "POST", body: String = #"{"a":1}"#) -> HTTPCall {
  let destination = Destination(
    name: ResourceName(.destination, "d", .local, .usEast1), id: "1", connection: "", endpoint: endpoint, method: method, rate: 300,
    created: .epoch, modified: .epoch)
  return HTTPCall(destination, parameters, Array(body.utf8), event)
}

@Test func `path parameters take the places of the stars, paths into the event are looked up`() {
  let call = call("https://api/*/items/*", Target.HTTP(path: ["$.detail.id", "x"], query: ["n": "$.detail.n", "q": "a&b"]))
  #expect(call.request.url == "https://api/a%20b/items/x?n=7&q=a%26b")
  #expect(call.request.headers["content-type"] == "application/json; charset=utf-8")
  #expect(call.request.body == Array(#"{"a":1}"#.utf8))
}

@Test func `headers of the target may replace the preset ones, those of the connection replace both`() {
  var call = call("https://api/x?y=1", Target.HTTP(headers: ["Content-Type": "text/plain", "X-A": "target", "X-B": "target"]))
  call.add(Connection.Parameters(
    headers: [.init(key: "x-b", value: "connection", isSecret: true)], query: [.init(key: "k", value: "v", isSecret: false)],
    body: [.init(key: "b", value: "2", isSecret: false)]))
  let request = call.request
  #expect(request.url == "https://api/x?y=1&k=v")
  #expect(request.headers["content-type"] == "text/plain")
  #expect(request.headers["x-a"] == "target")
  #expect(request.headers.all("x-b") == ["connection"])
  #expect(request.body == Array(#"{"a":1,"b":"2"}"#.utf8))
}

@Test(arguments: ["GET", "HEAD", "OPTIONS"])
func `a request without a body has none`(method: String) {
  #expect(call("https://api", method: method).request.body.isEmpty)
}

private let credentials: [(Connection.Credentials, String?, String, String)] = [
  (.basic(user: "ann", password: "p:w"), nil, "authorization", "Basic YW5uOnA6dw=="),
  (.apiKey(name: "X-Key", value: "secret"), nil, "x-key", "secret"),
  (.oauth(.init(endpoint: "https://a", method: "POST", clientID: "i", clientSecret: "s")), "tok", "authorization", "Bearer tok"),
]

@Test(arguments: credentials)
func `credentials become a header`(credentials: Connection.Credentials, token: String?, header: String, value: String) {
  var call = call("https://api")
  ConnectionAccess.Access(secrets: .init(credentials: credentials), token: token).apply(to: &call)
  #expect(call.request.headers[header] == value)
}

@Test func `a token is asked for with client credentials and the parameters of the connection`() {
  let parameters = Connection.Parameters(
    headers: [.init(key: "X-T", value: "h", isSecret: false)], query: [.init(key: "q", value: "1", isSecret: false)],
    body: [.init(key: "scope", value: "a b", isSecret: false), .init(key: "grant_type", value: "password", isSecret: false)])
  var oauth = Connection.OAuth(endpoint: "https://auth/token", method: "POST", clientID: "id", clientSecret: "s&", parameters: parameters)
  let post = ConnectionAccess.request(oauth)
  #expect(post.url == "https://auth/token?q=1")
  #expect(post.body.utf8Text == "client_id=id&client_secret=s%26&scope=a%20b&grant_type=password")
  #expect(post.headers["x-t"] == "h")
  (oauth.method, oauth.parameters) = ("GET", nil)
  #expect(ConnectionAccess.request(oauth).url == "https://auth/token?grant_type=client_credentials&client_id=id&client_secret=s%26")
}

@Test(arguments: [
  ("https://api.example.com/x", true), ("http://localhost:8080/x", true), ("http://127.0.0.1/x", true), ("http://worker:80", true),
  ("http://api.example.com/x", false), ("ftp://api/x", false), ("https://", false), ("http://", false),
])
func `plain HTTP is for this machine and its neighbours`(url: String, isGood: Bool) {
  #expect((try? checkedEndpoint(url, "InvocationEndpoint")) == (isGood ? url : nil))
}
