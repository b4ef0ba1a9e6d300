import Glibc
import Testing

@testable import Sandbox

struct NameForwarderTests {
  @Test func `name servers are those of resolv.conf, three at most`() {
    let text = """
      # nameserver 192.0.2.9
      search example.com
      nameserver 192.0.2.1
        nameserver	2001:db8::1
      nameserver fe80::1%eth0
      nameserver elsewhere
      options edns0
      nameserver 192.0.2.2 trailing
      nameserver 192.0.2.3
      """
    let expected = [("192.0.2.1"), ("2001:db8::1"), ("192.0.2.2")].map { SocketAddress($0, port: 53) }
    #expect(NameServers.parse(text) == expected)
    #expect(NameServers.parse("").isEmpty)
  }

  @Test func `a changed file is read again`() throws {
    let directory = try TestDirectory()
    var servers = NameServers(path: directory.path + "/resolv.conf")
    servers.refresh()
    #expect(servers.addresses.isEmpty)
    directory.write("resolv.conf", "nameserver 192.0.2.1\n")
    servers.refresh()
    #expect(servers.addresses.map(\.host) == [0xc000_0201])
  }

  @Test(arguments: [([], false), ([UInt8](repeating: 0, count: 11), false), ([UInt8](repeating: 0, count: 12), true)])
  func `a question has at least a header`(message: [UInt8], isQuestion: Bool) {
    #expect(NameForwarder.isQuestion(message) == isQuestion)
  }

  @Test func `an answer is no question, and a failure repeats the question`() {
    let question: [UInt8] = [0xab, 0xcd, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]
    let failure = NameForwarder.failure(of: question)
    #expect(failure.prefix(4) == [0xab, 0xcd, 0x81, 0x22])
    #expect(failure.dropFirst(4) == question.dropFirst(4))
    #expect(NameForwarder.isQuestion(question) && !NameForwarder.isQuestion(failure))
  }
}
