package logfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/logql"
	"github.com/quellhq/quell/internal/logql/logfile"
)

// labelled shows records with the labels that their frames gave them.
func labelled(list []got) string {
	var b strings.Builder
	for _, g := range list {
		b.WriteString(g.at + " {")
		first := true
		for _, name := range []string{"stream", "pod", "container", "namespace", "service", "unit", "hostname", "app", "level", "log_stream", "tag", "com_example_team"} {
			if value, ok := g.from.Labels[name]; ok {
				if !first {
					b.WriteString(",")
				}
				first = false
				fmt.Fprintf(&b, "%s=%s", name, value)
			}
		}
		b.WriteString("} " + strings.ReplaceAll(g.line, "\n", "⏎") + "\n")
	}
	return b.String()
}

func TestFramings(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 384)
	for name, c := range map[string]struct{ text, want string }{
		"Docker's json-file, in pieces of one stream while the other writes": {
			text: `{"log":"one \"quoted\" \u003ca\u003e \ud83d\ude00\n","stream":"stdout","attrs":{"tag":"web","com.example.team":"a"},"time":"2026-03-01T11:30:00.1Z"}
{"log":"` + long + `","stream":"stderr","time":"2026-03-01T11:30:00.2Z"}
{"log":"between\n","stream":"stdout","time":"2026-03-01T11:30:00.25Z"}
{"log":"the end\n","stream":"stderr","time":"2026-03-01T11:30:00.3Z"}
{"log":"{\"level\":\"error\",\"msg\":\"a\\\"b\"}\n","stream":"stderr","time":"2026-03-01T11:30:00.4Z"}
`,
			want: `11:30:00.1 {stream=stdout,tag=web,com_example_team=a} one "quoted" <a> 😀
11:30:00.25 {stream=stdout} between
11:30:00.2 {stream=stderr} ` + long + `the end
11:30:00.4 {stream=stderr} {"level":"error","msg":"a\"b"}
`,
		},
		"json-file whose writer left out the line breaks": {
			text: `{"log":"one","stream":"stdout","time":"2026-03-01T11:30:00.1Z"}
{"log":"two","stream":"stdout","time":"2026-03-01T11:30:00.2Z"}
`,
			want: "11:30:00.1 {stream=stdout} one\n11:30:00.2 {stream=stdout} two\n",
		},
		"a JSON log with a field called log": {
			text: `{"log":"one","level":"info","time":"2026-03-01T11:30:00.1Z"}` + "\n",
			want: `11:30:00.1 {} {"log":"one","level":"info","time":"2026-03-01T11:30:00.1Z"}` + "\n",
		},
		"CRI, parts of two streams interleaved": {
			text: `2026-03-01T11:30:00.100000000Z stdout P {"msg":"a lo
2026-03-01T11:30:00.150000000Z stderr P half of 
2026-03-01T11:30:00.200000000+00:00 stdout F ng line"}
2026-03-01T11:30:00.250000000Z stderr F the error
2026-03-01T11:30:00.300000000Z stdout F 
2026-03-01T11:30:00.400000000Z stdout F java.lang.IllegalStateException: x
2026-03-01T11:30:00.450000000Z stderr F other
2026-03-01T11:30:00.500000000Z stdout F 	at a.B.c(B.java:1)
2026-03-01T11:30:00.600000000Z stdout F next
`,
			want: `11:30:00.1 {stream=stdout} {"msg":"a long line"}
11:30:00.15 {stream=stderr} half of the error
11:30:00.4 {stream=stdout} java.lang.IllegalStateException: x⏎	at a.B.c(B.java:1)
11:30:00.45 {stream=stderr} other
11:30:00.6 {stream=stdout} next
`,
		},
		"CRI whose last piece never comes": {
			text: "2026-03-01T11:30:00.1Z stdout F a\n2026-03-01T11:30:00.2Z stdout P the beginning",
			want: "11:30:00.1 {stream=stdout} a\n11:30:00.2 {stream=stdout} the beginning\n",
		},
		"kubectl logs --timestamps": {
			text: `2026-03-01T11:30:00.123456789Z {"level":"info","msg":"a"}
2026-03-01T11:30:01.123456789Z plain
2026-03-01T11:30:01.123456790Z 	at x
2026-03-01T11:30:02.123456789Z 2026-03-01 11:29:59,500 INFO its own, older time
2026-03-01T11:30:03.123456789Z the job is due 2027-03-01T00:00:00Z
2026-03-01T11:30:04.123456789Z 
`,
			want: `11:30:00.123456789 {} {"level":"info","msg":"a"}
11:30:01.123456789 {} plain⏎	at x
11:29:59.5 {} 2026-03-01 11:29:59,500 INFO its own, older time
11:30:03.123456789 {} the job is due 2027-03-01T00:00:00Z
`,
		},
		"docker logs -t in another zone": {
			text: "2026-03-01T12:30:00.100000000+01:00 {\"msg\":\"a\"}\n2026-03-01T12:30:01.100000000+01:00 b\n",
			want: "11:30:00.1 {} {\"msg\":\"a\"}\n11:30:01.1 {} b\n",
		},
		"a program that writes its own time first": {
			text: "2026-03-01T11:30:00.5Z INFO a\n2026-03-01T11:30:01Z ERROR b\n",
			want: "11:30:00.5 {} 2026-03-01T11:30:00.5Z INFO a\n11:30:01 {} 2026-03-01T11:30:01Z ERROR b\n",
		},
		"kubectl logs --prefix --timestamps": {
			text: `[pod/api-7f9/app] 2026-03-01T11:30:00.100000000Z {"msg":"a"}
[pod/api-7f9/proxy] 2026-03-01T11:30:00.200000000Z ready
[pod/api-8a1/app] 2026-03-01T11:30:00.300000000Z Traceback (most recent call last):
[pod/api-7f9/app] 2026-03-01T11:30:00.400000000Z between
[pod/api-8a1/app] 2026-03-01T11:30:00.500000000Z   File "a.py", line 1
[pod/api-8a1/app] 2026-03-01T11:30:00.600000000Z KeyError: 'x'
[pod/api-8a1/app] 2026-03-01T11:30:00.700000000Z after
`,
			want: `11:30:00.1 {pod=api-7f9,container=app} {"msg":"a"}
11:30:00.2 {pod=api-7f9,container=proxy} ready
11:30:00.3 {pod=api-8a1,container=app} Traceback (most recent call last):⏎  File "a.py", line 1⏎KeyError: 'x'
11:30:00.4 {pod=api-7f9,container=app} between
11:30:00.7 {pod=api-8a1,container=app} after
`,
		},
		"docker compose logs": {
			text: "web-1      | 2026-03-01 11:30:00 INFO a\n" +
				"postgres-1 | 2026-03-01 11:30:01.000 UTC [1] ERROR:  b\n" +
				"\x1b[36mweb-1      | \x1b[0m2026-03-01 11:30:02 ERROR c\n" +
				"postgres-1 | 2026-03-01 11:30:01.500 UTC [1] STATEMENT:  select 1\n" +
				"web-1      |     at f (x.js:1)\n" +
				"web-1      | \n",
			want: "11:30:00 {container=web-1,service=web} 2026-03-01 11:30:00 INFO a\n" +
				"11:30:01 {container=postgres-1,service=postgres} 2026-03-01 11:30:01.000 UTC [1] ERROR:  b⏎2026-03-01 11:30:01.500 UTC [1] STATEMENT:  select 1\n" +
				"11:30:02 {container=web-1,service=web} 2026-03-01 11:30:02 ERROR c⏎    at f (x.js:1)\n",
		},
		"loguru's bars are no prefix of compose": {
			text: "2026-03-01 11:30:00.123 | INFO     | app:f:1 - a\nINFO | b\n",
			want: "11:30:00.123 {} 2026-03-01 11:30:00.123 | INFO     | app:f:1 - a⏎INFO | b\n",
		},
		"journalctl -o json": {
			text: `{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1772364600100000","PRIORITY":"3","_SYSTEMD_UNIT":"api.service","SYSLOG_IDENTIFIER":"api","_HOSTNAME":"h1","_PID":"7","MESSAGE":"it \"broke\""}
{"MESSAGE":"{\"level\":\"warn\",\"msg\":\"x\"}","PRIORITY":"6","__REALTIME_TIMESTAMP":"1772364600200000","_SYSTEMD_UNIT":"api.service"}
{"MESSAGE":[104,195,169,0,10],"PRIORITY":"6","__REALTIME_TIMESTAMP":"1772364600300000","CONTAINER_NAME":"c1"}
{"MESSAGE":null,"__REALTIME_TIMESTAMP":"1772364600400000"}
{"MESSAGE":["a","b"],"__REALTIME_TIMESTAMP":"1772364600500000"}
`,
			want: `11:30:00.1 {unit=api.service,hostname=h1,app=api,level=error} it "broke"
11:30:00.2 {unit=api.service} {"level":"warn","msg":"x"}
11:30:00.3 {container=c1,level=info} hé` + "\x00" + `
11:30:00.4 {} {"MESSAGE":null,"__REALTIME_TIMESTAMP":"1772364600400000"}
11:30:00.5 {} a⏎b
`,
		},
		"syslog of the wire": {
			text: `<34>Mar  1 11:30:00 h1 su[12]: 'su root' failed
<165>1 2026-03-01T11:30:01.003Z h2 app 7 ID47 [ex@32473 a="]" b="\"]"][x y="1"] ` + "\xef\xbb\xbf" + `an event
<14>1 2026-03-01T11:30:02Z h2 app - - - {"level":"error","msg":"x"}
<13>1 - - - - - - no header at all
`,
			want: `11:30:00 {hostname=h1,app=su,level=critical} 'su root' failed
11:30:01.003 {hostname=h2,app=app,level=notice} an event
11:30:02 {hostname=h2,app=app} {"level":"error","msg":"x"}
11:30:02 {level=notice} no header at all
`,
		},
		"a file of syslog keeps its headers": {
			text: `Mar  1 11:30:00 h1 sshd[12]: Failed password
Mar  1 11:30:01 h1 api[13]: {"level":"error"}
2026-03-01T11:30:02.500000+00:00 h1 kernel: [1.5] oom
Mar  1 11:30:03 h1 api[13]:     indented, and of its own header
`,
			want: `11:30:00 {hostname=h1,app=sshd} Mar  1 11:30:00 h1 sshd[12]: Failed password
11:30:01 {hostname=h1,app=api} {"level":"error"}
11:30:02.5 {hostname=h1,app=kernel} 2026-03-01T11:30:02.500000+00:00 h1 kernel: [1.5] oom
11:30:03 {hostname=h1,app=api} Mar  1 11:30:03 h1 api[13]:     indented, and of its own header
`,
		},
		"a trace that nothing wraps, in a file of syslog": {
			text: `Mar  1 11:30:00 h1 api[13]: it broke
Traceback (most recent call last):
  File "a.py", line 1
KeyError: 'x'
Mar  1 11:30:01 h1 sshd[12]: on
Mar  1 11:30:02 h1 api[13]: on
Mar  1 11:30:03 h1 api[13]: on
Mar  1 11:30:03 h1 api[13]: on
`,
			want: `11:30:00 {hostname=h1,app=api} Mar  1 11:30:00 h1 api[13]: it broke⏎Traceback (most recent call last):⏎  File "a.py", line 1⏎KeyError: 'x'
11:30:01 {hostname=h1,app=sshd} Mar  1 11:30:01 h1 sshd[12]: on
11:30:02 {hostname=h1,app=api} Mar  1 11:30:02 h1 api[13]: on
11:30:03 {hostname=h1,app=api} Mar  1 11:30:03 h1 api[13]: on
11:30:03 {hostname=h1,app=api} Mar  1 11:30:03 h1 api[13]: on
`,
		},
		"aws logs filter-log-events": {
			text: `{
    "events": [
        {"logStreamName": "i-1", "timestamp": 1772364600100, "message": "a [\"b\"]\n", "ingestionTime": 1772364600999, "eventId": "1"},
        {
            "logStreamName": "i-2",
            "timestamp": 1772364600200,
            "message": "{\"level\":\"error\"}",
            "ingestionTime": 1772364600999
        }
    ],
    "searchedLogStreams": []
}
{"events":[{"logStreamName":"i-1","timestamp":1772364600300,"message":"the next page","eventId":"3"}],"nextToken":"x"}
`,
			want: `11:30:00.1 {log_stream=i-1} a ["b"]
11:30:00.2 {log_stream=i-2} {"level":"error"}
11:30:00.3 {log_stream=i-1} the next page
`,
		},
		"lines with a field called events are lines": {
			text: `{"events":[{"id":1}],"time":"2026-03-01T11:30:00Z"}` + "\n",
			want: `11:30:00 {} {"events":[{"id":1}],"time":"2026-03-01T11:30:00Z"}` + "\n",
		},
		"an array of objects": {
			text: "[\n {\"time\":\"2026-03-01T11:30:00Z\",\n  \"a\": [1, 2]},\n {\"time\":\"2026-03-01T11:30:01Z\"}\n]\n",
			want: "11:30:00 {} {\"time\":\"2026-03-01T11:30:00Z\",\"a\":[1,2]}\n11:30:01 {} {\"time\":\"2026-03-01T11:30:01Z\"}\n",
		},
		"aws logs tail": {
			text: "2026-03-01T11:30:00.123000+00:00 ecs/app/1f2e {\"level\":\"info\"}\n2026-03-01T11:30:01.123000+00:00 ecs/app/1f2e plain text\n",
			want: "11:30:00.123 {log_stream=ecs/app/1f2e} {\"level\":\"info\"}\n11:30:01.123 {log_stream=ecs/app/1f2e} plain text\n",
		},
		"logcli -o jsonl": {
			text: `{"labels":{"service":"api","pod":"p1","service_name":"x"},"line":"{\"level\":\"error\"}","timestamp":"2026-03-01T11:30:00.5Z"}` + "\n",
			want: `11:30:00.5 {pod=p1,service=api} {"level":"error"}` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, t.TempDir(), "app.log", c.text)
			list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
			require.Equal(t, c.want, labelled(list), "%v", notes)
			// The same through standard input, without line breaks of Windows and with.
			s := spool(t, strings.NewReader(c.text), 0)
			list, _ = read(t, logfile.Config{Paths: []string{"-"}, Stdin: s}, lastHour)
			require.Equal(t, c.want, labelled(list))
			s = spool(t, strings.NewReader(strings.ReplaceAll(c.text, "\n", "\r\n")), 0)
			list, _ = read(t, logfile.Config{Paths: []string{"-"}, Stdin: s}, lastHour)
			require.Equal(t, c.want, labelled(list))
		})
	}
}

func TestSettingsGoBeforeTheLabelsOfFrames(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "app.log", "web-1  | 2026-03-01 11:30:00 INFO {\n")
	list, _ := read(t, logfile.Config{Paths: []string{path}, Labels: map[string]string{"container": "mine"}, Otherwise: map[string]string{"service": "shop"}}, lastHour)
	require.Equal(t, "mine", list[0].from.Labels["container"])
	require.Equal(t, "web", list[0].from.Labels["service"], "the frame knows better than a default")
	path = write(t, t.TempDir(), "app.log", `web-1  | {"time":"2026-03-01T11:30:00Z","service":"checkout"}`+"\n")
	list, _ = read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.NotContains(t, list[0].from.Labels, "service", "the lines name their service themselves")
}

func TestStreamsOfOneOriginAreOne(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "app.log", strings.Repeat("2026-03-01T11:30:00.1Z stdout F a\n2026-03-01T11:30:00.1Z stderr F b\n", 100))
	list, _ := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	seen := map[*logql.Stream]bool{}
	for _, g := range list {
		seen[g.from] = true
	}
	require.Len(t, list, 200)
	require.Len(t, seen, 2)
}

func TestTooManyOriginsAreBoundedAndCounted(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&text, "[pod/p-%d/app] 2026-03-01T11:30:00Z line\n", i)
	}
	path := write(t, t.TempDir(), "app.log", text.String())
	list, notes := read(t, logfile.Config{Paths: []string{path}}, lastHour)
	require.Len(t, list, 3000)
	require.Contains(t, strings.Join(notes, "\n"), "1000 lines go without")
}

func TestLabelsOfThePath(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("0a1b", 16)
	for path, want := range map[string]map[string]string{
		"pods/shop_api-7f9-x2_" + "0f5a1b2c-1234-5678-9abc-def012345678/app/0.log": {"namespace": "shop", "pod": "api-7f9-x2", "container": "app"},
		"containers/api-7f9-x2_shop_app-" + id + ".log":                            {"namespace": "shop", "pod": "api-7f9-x2", "container": "app"},
		"containers/" + id + "/" + id + "-json.log":                                {"container_id": "0a1b0a1b0a1b"},
		"containers/app.log": {},
	} {
		path = write(t, t.TempDir(), path, "2026-03-01T11:30:00.1Z stdout F a\n")
		list, _ := read(t, logfile.Config{Paths: []string{path}}, lastHour)
		want["filename"], want["stream"] = path, "stdout"
		require.Equal(t, want, list[0].from.Labels)
	}
}
