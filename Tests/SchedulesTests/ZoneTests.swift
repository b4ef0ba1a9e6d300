import Base
import Testing

@testable import Schedules

/// Zone, seconds since 1970, what its clocks show: by another reader of the same database (Python's `zoneinfo`).
private let cases: [(String, Int64, String)] = [
  ("Europe/Berlin", 2_020_680_300, "2034-01-12T13:05:00"),
  ("Europe/Berlin", 2_092_889_940, "2036-04-27T08:19:00"),
  ("Europe/London", 2_192_489_880, "2039-06-24T01:58:00"),
  ("Europe/Dublin", 2_281_417_320, "2042-04-18T08:02:00"),
  ("Europe/Dublin", 1_933_625_760, "2031-04-10T23:16:00"),
  ("America/New_York", 1_863_969_960, "2029-01-24T12:26:00"),
  ("America/New_York", 1_838_645_640, "2028-04-06T10:54:00"),
  ("America/Los_Angeles", 1_788_504_120, "2026-09-03T23:42:00"),
  ("America/Sao_Paulo", 2_357_141_280, "2044-09-10T14:28:00"),
  ("America/Santiago", 1_830_412_140, "2028-01-02T04:49:00"),
  ("America/Santiago", 2_005_519_140, "2033-07-20T20:39:00"),
  ("Australia/Lord_Howe", 2_325_935_580, "2043-09-15T23:43:00"),
  ("Australia/Lord_Howe", 2_343_481_320, "2044-04-06T01:32:00"),
  ("Australia/Sydney", 2_154_035_580, "2038-04-05T09:13:00"),
  ("Asia/Kolkata", 1_952_622_720, "2031-11-17T00:42:00"),
  ("Asia/Kathmandu", 2_048_244_840, "2034-11-27T18:39:00"),
  ("Asia/Gaza", 1_794_755_940, "2026-11-15T17:19:00"),
  ("Asia/Gaza", 2_046_671_340, "2034-11-09T09:49:00"),
  ("Asia/Jerusalem", 2_059_012_500, "2035-04-01T06:55:00"),
  ("Africa/Casablanca", 1_944_197_820, "2031-08-11T07:57:00"),
  ("Africa/Casablanca", 2_099_924_400, "2036-07-17T17:20:00"),
  ("Africa/Cairo", 2_078_224_920, "2035-11-09T14:42:00"),
  ("Pacific/Chatham", 1_860_338_580, "2028-12-14T06:28:00"),
  ("Pacific/Easter", 2_183_764_200, "2039-03-14T20:10:00"),
  ("America/Nuuk", 2_034_451_500, "2034-06-20T20:25:00"),
  ("Asia/Beirut", 2_275_736_700, "2042-02-11T15:05:00"),
  ("Antarctica/Troll", 2_067_870_720, "2035-07-12T18:32:00"),
  ("America/St_Johns", 2_355_248_340, "2044-08-19T17:09:00"),
  ("Etc/GMT+5", 1_774_968_660, "2026-03-31T09:51:00"),
  ("EST5EDT", 2_381_799_720, "2045-06-22T23:02:00"),
  // The minute before and the minute of a change
  ("Europe/Berlin", 1_774_745_940, "2026-03-29T01:59:00"),
  ("Europe/Berlin", 1_774_746_000, "2026-03-29T03:00:00"),
  ("America/New_York", 1_772_953_140, "2026-03-08T01:59:00"),
  ("America/New_York", 1_772_953_200, "2026-03-08T03:00:00"),
  ("Africa/Casablanca", 1_771_120_740, "2026-02-15T02:59:00"),
  ("Africa/Casablanca", 1_771_120_800, "2026-02-15T02:00:00"),
  ("Australia/Lord_Howe", 1_775_314_740, "2026-04-05T01:59:00"),
  ("Australia/Lord_Howe", 1_775_314_800, "2026-04-05T01:30:00"),
]

@Test(arguments: cases)
func `clocks of a zone show its local time`(name: String, seconds: Int64, shown: String) throws {
  let zone = try #require(Zone(name))
  let instant = Instant(seconds: seconds)
  let local = zone.local(instant)
  #expect(local.instant.iso8601 == shown + "Z")
  #expect(zone.instants(of: local).contains(instant))
}

@Test(arguments: ["", "Europe", "europe/berlin", "Europe/Atlantis", "localtime", "CEST"])
func `what the database does not have is no zone`(name: String) { #expect(Zone(name) == nil) }

@Test func `every line of the table is understood`() {
  #expect(ZoneDirectory.shared.names.count > 590)
  #expect(zoneTable.split(separator: "\n").allSatisfy { $0.contains("|") })
}

@Test func `a local time that clocks skip never comes and one that they repeat comes twice`() throws {
  let berlin = try #require(Zone("Europe/Berlin"))
  #expect(berlin.instants(of: CivilTime(year: 2026, month: 3, day: 29, hour: 2, minute: 30)).isEmpty)
  let twice = berlin.instants(of: CivilTime(year: 2026, month: 10, day: 25, hour: 2, minute: 30))
  #expect(twice.map(\.iso8601) == ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"])
}
