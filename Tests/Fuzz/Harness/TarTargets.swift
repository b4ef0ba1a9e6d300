@testable import Base
@testable import Lambda

/// Archives, read in one piece and in pieces cut by the first byte.
func fuzzTar(_ bytes: [UInt8]) {
  guard let cut = bytes.first else { return }
  let archive = bytes.dropFirst()
  let whole = readTar(archive, pieces: archive.count)
  promise(whole == readTar(archive, pieces: Int(cut) + 1), "pieces cut anywhere give the same")
}

private struct TarContents: Equatable {
  var entries: [TarEntry] = []
  var data: [[UInt8]] = []
  var isWhole = false
}

private func readTar(_ archive: ArraySlice<UInt8>, pieces: Int) -> TarContents {
  var contents = TarContents()
  var reader = TarReader()
  var rest = archive
  var isOpen = false
  do {
    while !rest.isEmpty {
      let piece = rest.prefix(pieces)
      rest = rest.dropFirst(piece.count)
      try reader.read(piece) { event in
        switch event {
        case .entry(let entry):
          promise(!isOpen, "one entry after the other")
          promise(entry.size >= 0 && entry.dataOffset <= archive.count, "data lies in the archive")
          isOpen = true
          contents.entries.append(entry)
          contents.data.append([])
          if let components = try? TarEntry.components(entry.name) {
            promise(
              components.allSatisfy { $0 != ".." && $0 != "." && !$0.isEmpty && !$0.utf8.contains(47) && !$0.utf8.contains(0) },
              "a path only leads downwards: \(components)")
          }
        case .data(let bytes):
          promise(isOpen, "data belongs to an entry")
          contents.data[contents.data.count - 1] += bytes
        case .endOfEntry:
          isOpen = false
          promise(contents.data.last?.count == contents.entries.last?.size, "as much data as declared")
        }
      }
    }
    try reader.finish()
    promise(!isOpen, "what is whole has no open entry")
    contents.isWhole = true
  } catch is PackageError {} catch { fatalError("another error: \(error)") }
  // Where an archive is refused in the middle of data, how much of it was seen is a matter of the pieces.
  if !contents.isWhole, isOpen { contents.data.removeLast() }
  return contents
}
