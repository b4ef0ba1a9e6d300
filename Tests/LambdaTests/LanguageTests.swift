import Testing

@testable import Lambda

private func hosting(_ majors: Int...) -> HostRuntimes {
  HostRuntimes(pythons: [], javas: majors.map { .init(major: $0, home: "/jvm/\($0)") })
}

@Test(arguments: [
  ("java17", .exact("java17")), ("java21", .nearest("java25")), ("java25", .exact("java25")), ("java11", .nearest("java17")),
  ("java8.al2", .nearest("java17")),
] as [(String, RuntimeSupport)])
func `a Java function runs on its own version, else on the next one above`(runtime: String, support: RuntimeSupport) {
  #expect(hosting(17, 25).support(for: runtime) == support)
}

@Test func `the newest Java serves what is newer still, and a host without Java says so`() {
  #expect(hosting(8, 11).support(for: "java25") == .nearest("java11"))
  #expect(hosting(8).support(for: "java8.al2") == .exact("java8.al2"))
  guard case .missing = hosting().support(for: "java21") else { return #expect(Bool(false), "there is no Java") }
}

@Test func `a Ruby function runs on the one Ruby of the host, and finds its gems under the version that it names`() {
  var host = hosting()
  guard case .missing = host.support(for: "ruby3.3") else { return #expect(Bool(false), "there is no Ruby") }
  let ruby = HostRuntimes.Ruby(version: "3.1", executable: "/usr/bin/ruby3.1", prefix: "/usr")
  host.ruby = ruby
  #expect(host.support(for: "ruby3.3") == .nearest("ruby3.1"))
  #expect(
    LaunchPlan.gemPath(for: "ruby3.3", on: ruby)
      == "/var/task/vendor/bundle/ruby/3.3.0:/opt/ruby/gems/3.3.0:/var/task/vendor/bundle/ruby/3.1.0:/opt/ruby/gems/3.1.0")
}

@Test(arguments: [(128, "-Xmx64m"), (256, "-Xmx128m"), (512, "-Xmx384m"), (10_240, "-Xmx7680m")])
func `the heap of a Java function leaves memory to the machine itself`(megabytes: Int, option: String) {
  #expect(LaunchPlan.heap(memoryMegabytes: megabytes) == option)
}
