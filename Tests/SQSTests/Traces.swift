import Base
import Testing

/// Performs random steps against a model; what differs from it is made as short as possible.
/// - Parameters:
///   - salt: a prime, so that two models do not draw the same.
///   - perform: throws `Difference`, or the `AWSError` that the model did not expect.
func checkRandomTraces<Step: Sendable>(
  seed: UInt64, salt: UInt64, of count: Int, _ location: SourceLocation = #_sourceLocation, draw: (SeededRandom) -> Step,
  perform: ([Step]) async throws -> Void
) async throws {
  let random = SeededRandom(seed: seed &* salt)
  let steps = (0..<count).map { _ in draw(random) }
  try await checkTraces(seed: seed, steps, location) { steps in
    do {
      try await perform(steps)
      return nil
    } catch let difference as Difference { return difference.text } catch let error as AWSError {
      return "\(error.code): \(error.message)"
    }
  }
}

/// Random operations against a model. A failure names its seed and the shortest trace that was found to fail.
private func checkTraces<Step: Sendable>(
  seed: UInt64, _ steps: [Step], _ location: SourceLocation = #_sourceLocation,
  run: ([Step]) async throws -> String?
) async throws {
  guard var failure = try await run(steps) else { return }
  var shortest = steps
  var size = max(1, shortest.count / 2)
  var tries = 400
  // Leaves parts out, the large ones first, as long as what is left still fails.
  while tries > 0 {
    var at = 0
    var isShorter = false
    while at < shortest.count, tries > 0 {
      var fewer = shortest
      fewer.removeSubrange(at..<min(at + size, fewer.count))
      tries -= 1
      if let still = try await run(fewer) {
        (shortest, failure, isShorter) = (fewer, still, true)
      } else {
        at += size
      }
    }
    if size == 1, !isShorter { break }
    size = max(1, size / 2)
  }
  let trace = shortest.map { "  \($0)" }.joined(separator: "\n")
  Issue.record("seed \(seed): \(failure)\n\(trace)", sourceLocation: location)
}

/// What a model test says of the first difference.
struct Difference: Error {
  var text: String
  init(_ text: String) { self.text = text }
}
