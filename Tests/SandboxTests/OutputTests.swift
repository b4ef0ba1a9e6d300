// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Sandbox

@Suite struct OutputTests {
  @Test func `whoever takes output gets all of it in the order written, also while another one is being told of it`() async throws {
    let ends = try Descriptors.pipe()
    Descriptors.setNonBlocking(ends.read)
    let output = SandboxOutput(descriptor: ends.read, onRoom: {})
    async let isReady = output.ready()
    for text in ["first ", "second "] {
      #expect(write(ends.write, text, text.utf8.count) == text.utf8.count)
      output.readable()
    }
    #expect(await isReady)
    #expect(String(decoding: output.takeAvailable(), as: UTF8.self) == "first second ")
    #expect(write(ends.write, "last", 4) == 4)
    close(ends.write)
    output.finish()
    #expect(await output.ready())
    #expect(await output.next() == Array("last".utf8))
    #expect(await !output.ready())
  }
}
