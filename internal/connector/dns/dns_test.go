package dns_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/quellhq/quell/internal/connector"
	"github.com/quellhq/quell/internal/connector/dns"
	"github.com/quellhq/quell/internal/evidence"
	"github.com/quellhq/quell/internal/probe"
	"github.com/quellhq/quell/internal/realserver"
)

// serveDNS answers on UDP and TCP with a function until the test ends.
func serveDNS(t *testing.T, address string, answer func(*mdns.Msg) *mdns.Msg) {
	t.Helper()
	handler := mdns.HandlerFunc(func(w mdns.ResponseWriter, q *mdns.Msg) {
		if m := answer(q); m != nil {
			if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
				m.Truncate(512)
			}
			_ = w.WriteMsg(m)
		}
	})
	for _, network := range []string{"udp", "tcp"} {
		ready := make(chan struct{})
		s := &mdns.Server{Addr: address, Net: network, Handler: handler, NotifyStartedFunc: func() { close(ready) }}
		failed := make(chan error, 1)
		go func() { failed <- s.ListenAndServe() }()
		select {
		case <-ready:
		case err := <-failed:
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Shutdown(); <-failed })
	}
}

func record(t *testing.T, text string) mdns.RR {
	t.Helper()
	rr, err := mdns.NewRR(text)
	require.NoError(t, err)
	return rr
}

// zone answers with authority for records, as a name server does.
func zone(t *testing.T, origin string, serial int, records ...string) func(*mdns.Msg) *mdns.Msg {
	soa := record(t, fmt.Sprintf("%s 300 IN SOA ns1.%s admin.%s %d 3600 600 86400 60", origin, origin, origin, serial))
	var rrs []mdns.RR
	for _, r := range records {
		rrs = append(rrs, record(t, r))
	}
	return func(q *mdns.Msg) *mdns.Msg {
		m := new(mdns.Msg)
		m.SetReply(q)
		m.Authoritative = true
		name, kind := q.Question[0].Name, q.Question[0].Qtype
		if kind == mdns.TypeSOA && name == origin {
			m.Answer = []mdns.RR{soa}
			return m
		}
		exists := name == origin
		for _, rr := range rrs {
			if rr.Header().Name == name {
				exists = true
				if rr.Header().Rrtype == kind || rr.Header().Rrtype == mdns.TypeCNAME {
					m.Answer = append(m.Answer, rr)
				}
			}
		}
		if !exists {
			m.Rcode = mdns.RcodeNameError
		}
		if len(m.Answer) == 0 {
			m.Ns = []mdns.RR{soa}
		}
		return m
	}
}

// referral names other servers, with their addresses.
func referral(t *testing.T, child string, servers map[string]string) func(*mdns.Msg) *mdns.Msg {
	return func(q *mdns.Msg) *mdns.Msg {
		m := new(mdns.Msg)
		m.SetReply(q)
		for name, ip := range servers {
			m.Ns = append(m.Ns, record(t, child+" 300 IN NS "+name))
			m.Extra = append(m.Extra, record(t, name+" 300 IN A "+ip))
		}
		return m
	}
}

func ask(t *testing.T, s connector.Settings, builtin string, args map[string]any) evidence.Answer {
	t.Helper()
	target, err := dns.Kind().Open(s, connector.Tools{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	a := target.Ask(ctx, probe.Question{Lang: "probe", Builtin: builtin, Args: args})
	require.NoError(t, target.Close())
	require.NoError(t, target.Close())
	return a
}

func object(t *testing.T, a evidence.Answer) map[string]any {
	t.Helper()
	require.Equal(t, evidence.Answered, a.Status, a.Reason)
	return a.Value.(map[string]any)
}

func TestRecordsFromDnsmasq(t *testing.T) {
	t.Parallel()
	d := realserver.StartDnsmasq(t,
		"local=/shop.test/", "host-record=api.shop.test,192.0.2.7,2001:db8::7", "cname=www.shop.test,api.shop.test",
		"mx-host=shop.test,mail.shop.test,10", "txt-record=shop.test,v=spf1 -all", "host-record=mail.shop.test,192.0.2.9")
	base := connector.Settings{"name": "api.shop.test", "resolvers": []any{d.Address}}

	t.Run("addresses of both families", func(t *testing.T) {
		v := object(t, ask(t, base, "dns.records", nil))
		require.Equal(t, "ok", v["outcome"])
		require.Equal(t, []any{"192.0.2.7", "2001:db8::7"}, v["addresses"])
		require.Nil(t, v["as_expected"])
		require.Equal(t, false, v["dnssec_suspect"])
		require.Len(t, v["records"], 2)
	})
	t.Run("an alias, mail and text", func(t *testing.T) {
		v := object(t, ask(t, base, "dns.records", map[string]any{"name": "www.shop.test"}))
		require.Equal(t, []any{"api.shop.test"}, v["aliases"])
		v = object(t, ask(t, base, "dns.records", map[string]any{"name": "shop.test", "types": []any{"mx", "TXT"}}))
		require.Equal(t, map[string]any{"MX": "ok", "TXT": "ok"}, v["outcomes"])
		require.Contains(t, fmt.Sprint(v["records"]), "10 mail.shop.test")
		require.Contains(t, fmt.Sprint(v["records"]), "v=spf1 -all")
	})
	t.Run("gone is told apart from empty", func(t *testing.T) {
		require.Equal(t, "nxdomain", object(t, ask(t, base, "dns.records", map[string]any{"name": "gone.shop.test"}))["outcome"])
		require.Equal(t, "empty", object(t, ask(t, base, "dns.records", map[string]any{"name": "mail.shop.test", "types": []any{"AAAA"}}))["outcome"])
	})
	t.Run("refused: a name outside of what it serves", func(t *testing.T) {
		require.Equal(t, "refused", object(t, ask(t, base, "dns.records", map[string]any{"name": "example.org"}))["outcome"])
	})
	t.Run("expected or not", func(t *testing.T) {
		good := connector.Settings{"name": "api.shop.test", "resolvers": []any{d.Address}, "expect": []any{"192.0.2.7", "2001:db8::7"}}
		require.Equal(t, true, object(t, ask(t, good, "dns.records", nil))["as_expected"])
		bad := connector.Settings{"name": "api.shop.test", "resolvers": []any{d.Address}, "expect": []any{"192.0.2.99"}}
		require.Equal(t, false, object(t, ask(t, bad, "dns.records", nil))["as_expected"])
	})
	t.Run("a fence, with a server of its own", func(t *testing.T) {
		target, err := dns.Kind().Open(base, connector.Tools{})
		require.NoError(t, err)
		a := target.Ask(context.Background(), probe.Question{Lang: "dns", Text: probe.Literal("api.shop.test A\nshop.test MX @" + d.Address + "\n")})
		rows := a.Value.([]any)
		require.Equal(t, []any{"192.0.2.7"}, rows[0].(map[string]any)["values"])
		require.Equal(t, []any{"10 mail.shop.test"}, rows[1].(map[string]any)["values"])
	})
	t.Run("examine", func(t *testing.T) {
		target, err := dns.Kind().Open(connector.Settings{"name": "api.shop.test", "resolvers": []any{d.Address, "127.0.0.1:1"}}, connector.Tools{})
		require.NoError(t, err)
		checks := target.(connector.Examiner).Examine(context.Background())
		require.True(t, checks[0].OK)
		require.False(t, checks[1].OK)
	})
}

func TestSilenceAndClosedPort(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // never answers
	require.NoError(t, err)
	defer func() { _ = silent.Close() }()
	v := object(t, ask(t, connector.Settings{"name": "shop.test", "resolvers": []any{silent.LocalAddr().String()}, "timeout": "300ms"}, "dns.records", nil))
	require.Equal(t, "timeout", v["outcome"])
	v = object(t, ask(t, connector.Settings{"name": "shop.test", "resolvers": []any{fmt.Sprintf("127.0.0.1:%d", realserver.Port(t))}, "timeout": "300ms"}, "dns.records", nil))
	require.Equal(t, "unreachable", v["outcome"])
}

func TestServfailAndValidation(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", realserver.Port(t))
	good := zone(t, "signed.test.", 1, "signed.test. 60 IN A 192.0.2.1")
	serveDNS(t, address, func(q *mdns.Msg) *mdns.Msg {
		if q.Question[0].Name == "signed.test." && q.CheckingDisabled {
			return good(q) // what a validating resolver does when signatures do not fit
		}
		m := new(mdns.Msg)
		m.SetRcode(q, mdns.RcodeServerFailure)
		return m
	})
	s := connector.Settings{"name": "signed.test", "resolvers": []any{address}}
	v := object(t, ask(t, s, "dns.records", nil))
	require.Equal(t, "servfail", v["outcome"])
	require.Equal(t, true, v["dnssec_suspect"])
	v = object(t, ask(t, s, "dns.records", map[string]any{"name": "broken.test"}))
	require.Equal(t, "servfail", v["outcome"])
	require.Equal(t, false, v["dnssec_suspect"])
}

func TestLongAnswersComeOverTCP(t *testing.T) {
	t.Parallel()
	address := fmt.Sprintf("127.0.0.1:%d", realserver.Port(t))
	var records []string
	for i := range 60 {
		records = append(records, fmt.Sprintf("many.test. 60 IN A 192.0.2.%d", i+1))
	}
	serveDNS(t, address, zone(t, "many.test.", 1, records...))
	v := object(t, ask(t, connector.Settings{"name": "many.test", "resolvers": []any{address}}, "dns.records", map[string]any{"types": []any{"A"}}))
	require.Len(t, v["addresses"], 60)
}

func TestCompare(t *testing.T) {
	t.Parallel()
	one := realserver.StartDnsmasq(t, "address=/shop.test/192.0.2.1")
	same := realserver.StartDnsmasq(t, "address=/shop.test/192.0.2.1")
	old := realserver.StartDnsmasq(t, "address=/shop.test/192.0.2.99")
	closed := fmt.Sprintf("127.0.0.1:%d", realserver.Port(t))
	with := func(resolvers ...any) map[string]any {
		return object(t, ask(t, connector.Settings{"name": "shop.test", "resolvers": resolvers, "timeout": "500ms"}, "dns.compare", nil))
	}
	v := with(one.Address, same.Address)
	require.Equal(t, true, v["agree"])
	require.Equal(t, false, v["disjoint"])
	v = with(one.Address, old.Address)
	require.Equal(t, false, v["agree"])
	require.Equal(t, true, v["disjoint"])
	v = with(one.Address, closed)
	require.Equal(t, int64(1), v["silent"])
	require.Nil(t, v["agree"])
}

// internet is a root, a zone and its servers on addresses of 127.0.0.0/8, all on
// one port, as the real ones are.
type internet struct {
	port     int
	settings connector.Settings
}

var network atomic.Int32

func newInternet(t *testing.T, servers map[string]func(*mdns.Msg) *mdns.Msg, resolver string) internet {
	t.Helper()
	in := internet{port: realserver.Port(t)}
	base := fmt.Sprintf("127.0.%d.", 100+network.Add(1))
	at := func(n int) string { return fmt.Sprintf("%s%d", base, n) }
	glue := map[string]string{}
	n := 10
	for _, name := range []string{"ns1.shop.test.", "ns2.shop.test."} {
		glue[name] = at(n)
		if answer := servers[name]; answer != nil {
			serveDNS(t, net.JoinHostPort(at(n), fmt.Sprint(in.port)), answer)
		}
		n++
	}
	serveDNS(t, net.JoinHostPort(at(1), fmt.Sprint(in.port)), referral(t, "test.", map[string]string{"a.nic.test.": at(2)}))
	serveDNS(t, net.JoinHostPort(at(2), fmt.Sprint(in.port)), referral(t, "shop.test.", glue))
	in.settings = connector.Settings{
		"name": "api.shop.test", "resolvers": []any{resolver}, "authorities": []any{at(1)}, "authority_port": in.port, "timeout": "500ms",
	}
	return in
}

func TestAuthoritative(t *testing.T) {
	t.Parallel()
	const origin = "shop.test."
	good := func(serial int) func(*mdns.Msg) *mdns.Msg {
		return zone(t, origin, serial, "api.shop.test. 120 IN A 192.0.2.7", "only6.shop.test. 60 IN AAAA 2001:db8::1", "www.shop.test. 60 IN CNAME cdn.example.")
	}
	right := realserver.StartDnsmasq(t, "address=/api.shop.test/192.0.2.7")
	old := realserver.StartDnsmasq(t, "address=/api.shop.test/192.0.2.66")
	gone := realserver.StartDnsmasq(t, "local=/shop.test/")
	type servers = map[string]func(*mdns.Msg) *mdns.Msg
	both := servers{"ns1.shop.test.": good(5), "ns2.shop.test.": good(5)}

	t.Run("everybody agrees", func(t *testing.T) {
		v := object(t, ask(t, newInternet(t, both, right.Address).settings, "dns.authoritative", nil))
		require.Equal(t, "shop.test", v["zone"])
		require.Equal(t, "ok", v["outcome"])
		require.Equal(t, []any{"192.0.2.7"}, v["addresses"])
		require.Equal(t, int64(120), v["ttl_s"])
		require.Equal(t, int64(0), v["lame"])
		require.Equal(t, true, v["serials_agree"])
		require.Equal(t, true, v["answers_agree"])
		require.Equal(t, true, v["resolver_agrees"])
		require.Len(t, v["servers"], 2)
		var want, got []string
		for _, f := range dns.Kind().Probes[2].Fields {
			want = append(want, f.Name)
		}
		for k := range v {
			got = append(got, k)
		}
		require.ElementsMatch(t, want, got)
	})
	t.Run("a resolver holds an old address, or none", func(t *testing.T) {
		require.Equal(t, false, object(t, ask(t, newInternet(t, both, old.Address).settings, "dns.authoritative", nil))["resolver_agrees"])
		v := object(t, ask(t, newInternet(t, both, gone.Address).settings, "dns.authoritative", nil))
		require.Equal(t, "nxdomain", v["resolver_outcome"])
		require.Equal(t, "ok", v["outcome"])
		require.Equal(t, false, v["resolver_agrees"])
	})
	t.Run("the record is really gone", func(t *testing.T) {
		in := newInternet(t, both, right.Address)
		v := object(t, ask(t, in.settings, "dns.authoritative", map[string]any{"name": "missing.shop.test"}))
		require.Equal(t, "nxdomain", v["outcome"])
	})
	t.Run("an address of IPv6 only, and an alias, are not empty", func(t *testing.T) {
		in := newInternet(t, both, right.Address)
		v := object(t, ask(t, in.settings, "dns.authoritative", map[string]any{"name": "only6.shop.test"}))
		require.Equal(t, "ok", v["outcome"])
		require.Equal(t, []any{"2001:db8::1"}, v["addresses"])
		v = object(t, ask(t, in.settings, "dns.authoritative", map[string]any{"name": "www.shop.test"}))
		require.Equal(t, []any{"cdn.example"}, v["aliases"])
	})
	t.Run("one server is lame, one is silent", func(t *testing.T) {
		refuses := func(q *mdns.Msg) *mdns.Msg { return new(mdns.Msg).SetRcode(q, mdns.RcodeRefused) }
		v := object(t, ask(t, newInternet(t, servers{"ns1.shop.test.": good(5), "ns2.shop.test.": refuses}, right.Address).settings, "dns.authoritative", nil))
		require.Equal(t, "ok", v["outcome"])
		require.Equal(t, int64(1), v["lame"])
		v = object(t, ask(t, newInternet(t, servers{"ns2.shop.test.": good(5)}, right.Address).settings, "dns.authoritative", nil))
		require.Equal(t, "ok", v["outcome"])
		require.Equal(t, int64(1), v["lame"])
	})
	t.Run("a secondary is behind", func(t *testing.T) {
		behind := zone(t, origin, 4, "api.shop.test. 120 IN A 192.0.2.1")
		v := object(t, ask(t, newInternet(t, servers{"ns1.shop.test.": good(5), "ns2.shop.test.": behind}, right.Address).settings, "dns.authoritative", nil))
		require.Equal(t, false, v["serials_agree"])
		require.Equal(t, false, v["answers_agree"])
	})
	t.Run("a walk that cannot start says nothing about the name", func(t *testing.T) {
		a := ask(t, connector.Settings{"name": "api.shop.test", "resolvers": []any{right.Address}, "authorities": []any{fmt.Sprintf("127.0.0.1:%d", realserver.Port(t))}, "timeout": "300ms"}, "dns.authoritative", nil)
		require.Equal(t, evidence.Unreachable, a.Status)
		require.Contains(t, a.Hint, "port 53")
	})
}

func TestNothingToAsk(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"127.0.0.1", "localhost", "::1"} {
		require.Equal(t, evidence.NotApplicable, ask(t, connector.Settings{"name": name}, "dns.records", nil).Status, name)
	}
	for says, s := range map[string]connector.Settings{
		"name is missing": {}, "must be an IP address": {"name": "x.test", "resolvers": []any{"dns.example"}}, "unknown setting": {"nam": "x"},
	} {
		_, err := dns.Kind().Open(s, connector.Tools{})
		require.ErrorContains(t, err, says)
	}
	check := dns.Kind().Languages[0].Check
	for _, bad := range []string{"", "x.test", "x.test ANY", "x.test A 10.0.0.1", "x.test A @dns.example", strings.Repeat("x.test A\n", 17)} {
		require.NotEmpty(t, check(probe.Literal(bad), nil), "%q", bad)
	}
	require.Empty(t, check(probe.Literal("${service.host} A @10.0.0.2:5353\n# why\nx.test TXT"), nil))
}
