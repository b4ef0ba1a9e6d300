import Base
import HTTPServer

/// The Runtime API of an attached process, on a port of the loopback. Every program of this machine can reach it, as it can reach
/// the server; web pages are kept out.
struct AttachedRuntimeAPI: HTTPHandler {
  let inner: RuntimeAPIHandler
  let environment: Environment
  let attachment: Attachment

  func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
    // No runtime client is a browser, and none calls the loopback by another name.
    let host = head.headers["host"] ?? ""
    guard head.headers["origin"] == nil, head.headers["sec-fetch-site"] == nil, host.hasPrefix("127.0.0.1:") else {
      return .refuse(HTTPResponse(status: 403))
    }
    return inner.admit(head)
  }

  func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse { inner.tooLarge(head, maximum: maximum) }

  func handle(_ request: HTTPRequest) async -> HTTPResponse {
    guard request.method == "GET" else {
      // What the process wrote before it answered stands before END.
      await attachment.flush()
      let response = await inner.handle(request)
      attachment.tell(.busy(false))
      return response
    }
    environment.hold(.start, false)
    let response = await inner.handle(request)
    if response.status == 200 { attachment.tell(.busy(true)) }
    // The terminal shows START before the words of the process.
    await attachment.flush()
    return response
  }
}
