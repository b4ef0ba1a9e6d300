import Base
import Crypto

@testable import Lambda

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes tars byte by byte, honest ones and those that lie.
struct TarWriter {
  var bytes: [UInt8] = []

  static func tar(_ members: Member..., isEnded: Bool = true) -> [UInt8] {
    var writer = TarWriter()
    for member in members { writer.add(member) }
    return writer.bytes + (isEnded ? [UInt8](repeating: 0, count: 1024) : [])
  }

  struct Member {
    var name: String
    var type: Character = "0"
    var data: [UInt8] = []
    var link = ""
    var mode = 0o644
    /// What the header says; the truth unless a test wants otherwise.
    var size: String?
    var magic = "ustar\u{0}00"
    var checksum: Int?
    var prefix = ""

    static func file(_ name: String, _ text: String = "x", mode: Int = 0o644) -> Member {
      Member(name: name, data: Array(text.utf8), mode: mode)
    }
    static func directory(_ name: String, mode: Int = 0o755) -> Member { Member(name: name, type: "5", mode: mode) }
    static func link(_ name: String, to target: String) -> Member { Member(name: name, type: "2", link: target) }
    static func hard(_ name: String, to target: String) -> Member { Member(name: name, type: "1", link: target) }
    /// A record of names before the member that it belongs to.
    static func record(_ type: Character, _ text: String) -> Member { Member(name: "record", type: type, data: Array(text.utf8)) }
    static func extended(_ values: (String, String)...) -> Member {
      record("x", values.map { name, value in line("\(name)=\(value)\n") }.joined())
    }
    private static func line(_ text: String) -> String {
      var length = text.utf8.count + 2
      while "\(length) \(text)".utf8.count != length { length += 1 }
      return "\(length) \(text)"
    }
    func with(_ change: (inout Member) -> Void) -> Member {
      var copy = self
      change(&copy)
      return copy
    }
  }

  mutating func add(_ member: Member) {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, _ offset: Int, _ length: Int) {
      for (place, byte) in text.utf8.prefix(length).enumerated() { block[offset + place] = byte }
    }
    put(member.name, 0, 100)
    put(Self.octal(member.mode, 7), 100, 8)
    put(member.size ?? Self.octal(member.data.count, 11), 124, 12)
    put(Self.octal(1_700_000_000, 11), 136, 12)
    block[156] = member.type.asciiValue ?? 0
    put(member.link, 157, 100)
    put(member.magic, 257, 8)
    put(member.prefix, 345, 155)
    let sum = member.checksum ?? block.reduce(8 * 32) { $0 + Int($1) }
    put(Self.octal(sum, 6) + "\u{0} ", 148, 8)
    bytes += block + member.data
    bytes += [UInt8](repeating: 0, count: (512 - member.data.count % 512) % 512)
  }

  private static func octal(_ value: Int, _ width: Int) -> String {
    let digits = String(value, radix: 8)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

/// An image layout in a temporary directory.
struct TestImage {
  let directory = TemporaryDirectory()
  private(set) var digest = ""
  var uri: String { "oci:\(directory.path)" }

  init(_ layers: [[UInt8]], config: String = #"{"Entrypoint":["/run"]}"#, tag: String = "latest", platform: String = "amd64") {
    mkdir("\(directory.path)/blobs", 0o755)
    mkdir("\(directory.path)/blobs/sha256", 0o755)
    let diffIDs = layers.map { "\"sha256:\(ImageManifest.sha256($0))\"" }.joined(separator: ",")
    let configuration =
      #"{"architecture":"\#(platform)","os":"linux","config":\#(config),"rootfs":{"type":"layers","diff_ids":[\#(diffIDs)]}}"#
    let packed = layers.map { descriptor("application/vnd.oci.image.layer.v1.tar", $0) }.joined(separator: ",")
    let manifest =
      #"{"schemaVersion":2,"config":\#(descriptor("application/vnd.oci.image.config.v1+json", Array(configuration.utf8))),"layers":[\#(packed)]}"#
    digest = ImageManifest.sha256(Array(manifest.utf8))
    let top = descriptor("application/vnd.oci.image.manifest.v1+json", Array(manifest.utf8)).dropLast()
    write(#"{"schemaVersion":2,"manifests":[\#(top),"annotations":{"org.opencontainers.image.ref.name":"\#(tag)"}}]}"#, to: "index.json")
  }

  func descriptor(_ type: String, _ bytes: [UInt8]) -> String {
    let digest = ImageManifest.sha256(bytes)
    write(bytes, to: "blobs/sha256/\(digest)")
    return #"{"mediaType":"\#(type)","digest":"sha256:\#(digest)","size":\#(bytes.count)}"#
  }

  func write(_ text: String, to name: String) { write(Array(text.utf8), to: name) }
  func write(_ bytes: [UInt8], to name: String) { writeFile(bytes, to: "\(directory.path)/\(name)") }
}

func writeFile(_ bytes: [UInt8], to path: String) {
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  precondition(file >= 0 && write(file, bytes, bytes.count) == bytes.count, "write \(path): \(errno)")
  close(file)
}
