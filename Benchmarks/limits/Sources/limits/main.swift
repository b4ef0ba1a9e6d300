// What this machine can do at best, for the benchmarks to compare with:
//   limits echo PORT      answers every request with its body, on two event loops
//   limits runtime PORT   a Lambda Runtime API that always has an event, on one; prints the responses of each second
import NIOCore
import NIOHTTP1
import NIOPosix

enum Limit: String {
  case echo, runtime
}

let arguments = CommandLine.arguments
guard arguments.count == 3, let limit = Limit(rawValue: arguments[1]), let port = Int(arguments[2]) else {
  print("usage: limits echo|runtime PORT")
  throw UsageError()
}
let counter = Counter()
let group = MultiThreadedEventLoopGroup(numberOfThreads: limit == .echo ? 2 : 1)
let channel = try await ServerBootstrap(group: group)
  .serverChannelOption(.backlog, value: 256)
  .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
  .childChannelInitializer { channel in
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.configureHTTPServerPipeline()
      switch limit {
      case .echo: try channel.pipeline.syncOperations.addHandler(Echo())
      case .runtime: try channel.pipeline.syncOperations.addHandler(RuntimeAPI(counter))
      }
    }
  }
  .bind(host: "127.0.0.1", port: port).get()
if limit == .runtime { counter.printEverySecond(on: group.next()) }
try await channel.closeFuture.get()

struct UsageError: Error {}
