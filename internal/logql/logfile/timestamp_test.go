package logfile_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// Every form means 1 March 2026, 11:30:00 UTC, unless said.
func TestTimesOfManyLoggers(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	for line, want := range map[string]string{
		`2026-03-01T11:30:00.123456789Z msg`:                                                                                   "11:30:00.123456789",
		`2026-03-01 11:30:00.123456+00:00 [info] <0.1.0> rabbit`:                                                               "11:30:00.123456",
		`2026-03-01T11:30:00.123456Z 8 [Warning] mysql`:                                                                        "11:30:00.123456",
		`2026-03-01T06:30:00.5-05:00 msg`:                                                                                      "11:30:00.5",
		`2026-03-01 12:30:00 +0100 msg`:                                                                                        "11:30:00",
		`2026-03-01 12:30:00.123 CET [123] LOG:  postgres`:                                                                     "11:30:00.123",
		`2026-03-01 06:30:00 EST [123] LOG:  postgres`:                                                                         "11:30:00",
		`2026-03-01 11:30:00 CST msg`:                                                                                          "11:30:00", // China or Chicago: says nothing
		`2026-03-01 11:30:00 ERROR msg`:                                                                                        "11:30:00",
		`2026-03-01 11:30:00 -12 degrees`:                                                                                      "11:30:00",
		`01-Mar-2026 11:30:00.123 INFO [main] org.apache.catalina`:                                                             "11:30:00.123",
		`Sun Mar  1 11:30:00 2026`:                                                                                             "11:30:00",
		`Sun Mar 1 11:30:00 UTC 2026 started`:                                                                                  "11:30:00",
		`Sun, 01 Mar 2026 11:30:00 GMT started`:                                                                                "11:30:00",
		`Sun 2026-03-01 11:30:00 UTC host app[1]: short-full`:                                                                  "11:30:00",
		`[Sun Mar  1 11:30:00 2026] [error] [client 10.0.0.1] apache 1.3`:                                                      "11:30:00",
		`[Sun Mar 01 11:30:00.123456 2026] [core:error] [pid 1] msg`:                                                           "11:30:00.123456",
		`Mar 01, 2026 11:30:00 java.util.logging`:                                                                              "11:30:00",
		`Mar  1 2026 11:30:00: %ASA-6-302013`:                                                                                  "11:30:00",
		`E0301 11:30:00.000001       1 main.go:1] klog`:                                                                        "11:30:00.000001",
		`I20260301 11:30:00.123456  1234 file.cc:12] glog with a year`:                                                         "11:30:00.123456",
		`2026/03/01 11:30:00 [error] 1#1: *1 nginx`:                                                                            "11:30:00",
		`10.0.0.1 - - [01/Mar/2026:06:30:00 -0500] "GET / HTTP/1.1" 200 1`:                                                     "11:30:00",
		`123:M 01 Mar 2026 11:30:00.456 * Redis`:                                                                               "11:30:00.456",
		`260301 113000 148 INFO dfs.DataNode$PacketResponder: HDFS`:                                                            "11:30:00",
		`260301 11:30:00 [Note] old MySQL`:                                                                                     "11:30:00",
		`26/03/01 11:30:00 INFO executor.Executor: Spark`:                                                                      "11:30:00",
		`- 1772364600 2026.03.01 R02-M1 2026-03-01-11.30.00.675872 R02 RAS KERNEL INFO BGL`:                                    "11:30:00.675872",
		`20260301-11:30:00:606|Step_LSC|30002312|onStandStepChanged`:                                                           "11:30:00.606",
		`20260301T113000.250Z msg`:                                                                                             "11:30:00.25",
		`03-01 11:30:00.811  1702  2395 D WindowManager: Android`:                                                              "11:30:00.811",
		`[03.01 11:30:00] chrome.exe - proxy.cse.cuhk.edu.hk:5070 open`:                                                        "11:30:00",
		`03/01/2026 11:30:00 Windows`:                                                                                          "11:30:00",
		`03/01/2026 02:30:00 PM CBS`:                                                                                           "14:30:00",
		`2026-03-01T11:30:00.123456+00:00 app[web.1]: Heroku`:                                                                  "11:30:00.123456",
		`nova-compute.log.1.2026-03-01_13:55:31 2026-03-01 11:30:00.008 25746 INFO`:                                            "11:30:00.008",
		`[2026-03-01T11:30:00,123][INFO ][o.e.n.Node] elastic`:                                                                 "11:30:00.123",
		`[1772364600] SERVICE ALERT: nagios`:                                                                                   "11:30:00",
		`1772364600.123    235 10.0.0.1 TCP_MISS/200 squid`:                                                                    "11:30:00.123",
		`1772364600123456 micro`:                                                                                               "11:30:00.123456",
		`level=info time="2026-03-01T11:30:00Z" msg=logrus`:                                                                    "11:30:00",
		`ts=1772364600.25 level=info msg=x`:                                                                                    "11:30:00.25",
		`{"level":"info","ts":1.77236460025e+09,"msg":"zap's floats"}`:                                                         "11:30:00.25",
		`{"level":"info","ts":1772364600.2507,"msg":"x"}`:                                                                      "11:30:00.2507",
		`{"time":1772364600250}`:                                                                                               "11:30:00.25",
		`{"time":1772364600250123}`:                                                                                            "11:30:00.250123",
		`{"time":1772364600250123456}`:                                                                                         "11:30:00.250123456",
		`{"time":"1772364600250"}`:                                                                                             "11:30:00.25",
		`{"msg":"last","nested":{"a":[1,{"b":2}]},"@timestamp":"2026-03-01T11:30:00.1Z"}`:                                      "11:30:00.1",
		`{"msg":"x","log":{"level":"info","timestamp":"2026-03-01T11:30:00.1Z"}}`:                                              "11:30:00.1",
		`{"log.timestamp":"2026-03-01T11:30:00.1Z","log.level":"info"}`:                                                        "11:30:00.1",
		`{"asctime":"2026-03-01 11:30:00,100","levelname":"INFO"}`:                                                             "11:30:00.1",
		`{"eventTime":"2026-03-01T11:30:00Z","eventName":"CloudTrail"}`:                                                        "11:30:00",
		`{"t":{"$date":"2026-03-01T11:30:00.123+00:00"},"s":"I","c":"NETWORK"}`:                                                "11:30:00.123",
		`{"instant":{"epochSecond":1772364600,"nanoOfSecond":5000000},"level":"INFO"}`:                                         "11:30:00.005",
		`{"Timestamp":"2026-03-01T12:30:00\u002B01:00","Level":"Information"}`:                                                 "11:30:00",
		`{"time_local":"01/Mar/2026:12:30:00 +0100","status":200}`:                                                             "11:30:00",
		`{"date":"Sun, 01 Mar 2026 11:30:00 GMT"}`:                                                                             "11:30:00",
		`{"time": 0.25, "timestamp": "2026-03-01T11:30:00Z"}`:                                                                  "11:30:00", // a request's time is none
		`{"time":"11:29","t":123456789,"ts":"2026-03-01T11:30:00Z"}`:                                                           "11:30:00",
		"\xef\xbb\xbf2026-03-01T11:30:00Z after a byte order mark":                                                             "11:30:00",
		`{"a":"{\"time\":\"2026-01-01T00:00:00Z\"}","b":"\\","timestamp":"2026-03-01T11:30:00Z"}`:                              "11:30:00",
		`level=info msg="a sentence that is longer than where a time is looked for" status=200 time=2026-03-01T11:30:00Z`:      "11:30:00",
		`level=info msg="it ends \" at ts=1700000000, as it says, which is none of its own" n=1700000000 ts=1772364600.25 a=1`: "11:30:00.25",
		`web-7f9 10.1.2.3 - frank [01/Mar/2026:11:30:00 +0000] "GET /a?t=1700000000 HTTP/1.1" 500 1234`:                        "11:30:00",
	} {
		path := write(t, t.TempDir(), "app.log", line+"\n")
		list, notes := read(t, logfile.Config{Paths: []string{path}}, logql.Window{End: noon.AddDate(1, 0, 0)})
		require.Len(t, list, 1, "%s: %v", line, notes)
		require.Equal(t, want, list[0].at, line)
	}
	for line, zone := range map[string]*time.Location{
		`2026-03-01 12:30:00,000 INFO local`:         paris,
		`2026-03-01 12:30:00 CET [1] LOG:  its name`: paris,
		`Mar  1 12:30:00 host app: msg`:              paris,
		`2026-03-01 19:30:00 CST [1] LOG:  China`:    time.FixedZone("CST", 8*3600),
		`2026-03-01 11:30:00 UTC [1] LOG:  msg`:      paris,
	} {
		path := write(t, t.TempDir(), "app.log", line+"\n")
		list, _ := read(t, logfile.Config{Paths: []string{path}, Location: zone}, logql.Window{End: noon})
		require.Equal(t, "11:30:00", list[0].at, line)
	}
}

// A number in a message is no time.
func TestWhatIsNoTime(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		`order 1772364600 was shipped`,
		`1234567890 bytes copied`,
		`9999999999 is a number`,
		`4111111111111111 card`,
		`99/99/2026 11:30:00 no such day`,
		`2026-02-30T11:30:00Z no such day`,
		`2026-03-01T25:30:00Z no such hour`,
		`2026-03-01T11:30:00123 no such second`,
		`999999 999999 two numbers`,
		`123456 123456 two numbers`,
		`version 2026-03-01-2 released`,
		`upgraded to 20260301-12 and restarted`,
		`call +49 30 1772364600 for help`,
		`port=1772364600 level=info`,
		`id: 1772364600123 done`,
		`{"id":1772364600,"duration":1772364600}`,
		`level=info msg="a sentence that is longer than where one is looked for, at time=2026-03-01T11:30:00Z" n=1`,
		`a sentence that is longer than where a time is looked for, and then says time=2026-03-01T11:30:00Z`,
		`{"message":"2026-03-01T11:30:00Z"}`,
		`{"time":1.5,"t":12,"date":"today","timestamp":null,"ts":[1772364600]}`,
		`{"ts":99999999999999999999}`,
		`Mayday 11:30:00 is no month`,
		`May 99 11:30:00 is no day`,
		`E1301 11:30:00.000001 no such month`,
		`Sunday is no time of its own at all`,
		`[12345.678901] usb 1-1: new device`,
		`<34>`, `<`, `[`, `1`, `12-`, `2026-`,
	} {
		path := write(t, t.TempDir(), "app.log", line+"\n")
		list, _ := read(t, logfile.Config{Paths: []string{path}}, logql.Window{Start: noon.AddDate(-50, 0, 0), End: noon.AddDate(100, 0, 0)})
		require.Len(t, list, 1, line)
		require.Empty(t, list[0].at, line)
	}
}
