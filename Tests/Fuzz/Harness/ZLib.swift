import Glibc

/// The zlib of the machine, loaded at run time so that nobody has to install it.
struct ZLib {
  static let shared = ZLib()

  /// `z_stream` of zlib.h on a 64-bit machine.
  private struct Stream {
    var nextIn: UnsafePointer<UInt8>?
    var availableIn: UInt32 = 0
    var totalIn: UInt = 0
    var nextOut: UnsafeMutablePointer<UInt8>?
    var availableOut: UInt32 = 0
    var totalOut: UInt = 0
    var rest: (UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt) = (0, 0, 0, 0, 0, 0, 0, 0)
  }
  private typealias Begin = @convention(c) (UnsafeMutableRawPointer, CInt, UnsafePointer<CChar>, CInt) -> CInt
  private typealias Step = @convention(c) (UnsafeMutableRawPointer, CInt) -> CInt
  private typealias End = @convention(c) (UnsafeMutableRawPointer) -> CInt
  private let begin: Begin, step: Step, end: End

  private init?() {
    guard let library = dlopen("libz.so.1", RTLD_NOW), let begin = dlsym(library, "inflateInit2_"),
      let step = dlsym(library, "inflate"), let end = dlsym(library, "inflateEnd")
    else { return nil }
    self.begin = unsafeBitCast(begin, to: Begin.self)
    self.step = unsafeBitCast(step, to: Step.self)
    self.end = unsafeBitCast(end, to: End.self)
  }

  /// The output up to one byte more than the limit, and whether the data ended there with nothing behind it.
  func inflate(_ data: ArraySlice<UInt8>, limit: Int) -> (bytes: [UInt8], isWhole: Bool) {
    var isWhole = false
    let bytes = data.withUnsafeBufferPointer { input in
      [UInt8](unsafeUninitializedCapacity: limit + 1) { output, count in
        var stream = Stream()
        guard begin(&stream, -15, "1.2.11", CInt(MemoryLayout<Stream>.size)) == 0 else { return }
        defer { _ = end(&stream) }
        (stream.nextIn, stream.availableIn) = (input.baseAddress, UInt32(input.count))
        (stream.nextOut, stream.availableOut) = (output.baseAddress, UInt32(output.count))
        isWhole = step(&stream, 4) == 1 && stream.availableIn == 0
        count = output.count - Int(stream.availableOut)
      }
    }
    return (bytes, isWhole)
  }
}
