import Base
import Patterns

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// Matches one event against one pattern and against a thousand that are matched together, and prints what an event costs, in ns.

/// A thousand rules that differ in one of their conditions, by kind of condition.
let worlds: [(name: String, pattern: (Int) -> String)] = [
  ("one value of many", { #"{"source":["shop"],"detail-type":["order"],"detail":{"customer":["c\#($0)"],"region":["us","eu"]}}"# }),
  ("prefixes", { #"{"source":["shop"],"detail":{"path":[{"prefix":"/p\#($0)/"}],"region":["us"]}}"# }),
  ("suffixes", { #"{"source":["shop"],"detail":{"path":[{"suffix":"/x\#($0)"}],"region":["us"]}}"# }),
  ("numbers", { #"{"source":["shop"],"detail":{"price":[{"numeric":[">=",\#($0),"<",\#($0 + 1)]}]}}"# }),
  ("sources", { #"{"source":["shop\#($0)"],"detail":{"state":[{"anything-but":"closed"}]}}"# }),
  (
    "alternatives",
    { #"{"source":["shop"],"$or":[{"detail":{"customer":["c\#($0)"]}},{"detail":{"price":[{"numeric":["=",\#($0)]}]}}]}"# }
  ),
]

let event = try JSON.parse(
  #"{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"order","source":"shop","account":"123456789012","#
    + #""time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":["arn:aws:s3:::bucket"],"#
    + #""detail":{"customer":"c500","region":"us","path":"/p500/orders/x500","price":500.5,"state":"open","items":[{"sku":"a","n":1},{"sku":"b","n":2}]}}"#)

/// Nanoseconds of the processor for one call: others who use the machine do not count.
func cost(_ body: () -> Int) -> Double {
  var best = Double.infinity
  var sum = 0
  for _ in 0..<30 {
    let began = processorTime()
    for _ in 0..<2000 { sum += body() }
    best = min(best, (processorTime() - began) / 2000)
  }
  precondition(sum >= 0)
  return best
}

func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

print("rules\tone\tthousand\tone without a set")
for world in worlds {
  let patterns = try (0..<1000).map { try EventPattern(world.pattern($0)) }
  var one = PatternSet<Int>(), thousand = PatternSet<Int>()
  one.add(500, patterns[500])
  for (number, pattern) in patterns.enumerated() { thousand.add(number, pattern) }
  precondition(one.matches(event) == thousand.matches(event))
  let costs = [cost { one.matches(event).count }, cost { thousand.matches(event).count }, cost { patterns[500].matches(event) ? 1 : 0 }]
  print(([world.name] + costs.map { String(Int($0)) }).joined(separator: "\t"))
}
