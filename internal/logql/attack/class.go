package attack

import (
	"bytes"
	"net/url"
	"regexp"
	"strings"
)

// Class is a kind of attack.
type Class string

// Classes of attacks, by what the request asks for.
const (
	Traversal Class = "traversal" // a file outside of what is served
	Secrets   Class = "secrets"   // a file that is there by mistake: .env, .git, a dump, a key
	Injection Class = "injection" // SQL
	Command   Class = "command"   // a program, a template or a class to run
	Inside    Class = "inside"    // an address that only the server can reach
	Script    Class = "script"    // script for the browsers of others
	Scan      Class = "scan"      // pages of software that may not be here at all
)

// Classes lists them all.
var Classes = []Class{Traversal, Secrets, Injection, Command, Inside, Script, Scan}

// ofPath reports whether an ordinary answer to this class means that it has
// worked: the path names what nobody should get. What stands in a query may be
// ignored by a page that answers as ever.
func (c Class) ofPath() bool { return c == Traversal || c == Secrets }

var classes = []struct {
	class Class
	is    *regexp.Regexp // of the decoded request in lower case
}{
	{Command, regexp.MustCompile(`\$\{(jndi|[a-z:]{0,20}\$?\{)|\{\{.{0,10}[0-9]+ ?\* ?[0-9]+|\$\{[0-9]+\*[0-9]+\}|class\.module\.classloader|[;|&` + "`" + `]\s{0,3}(cat|id|ls|wget|curl|nc|bash|sh|whoami|uname|ping|powershell)\b|\$\((cat|id|ls|wget|curl|bash|whoami)|php://(input|filter)|(auto_prepend_file|allow_url_include)=|eval-stdin\.php|(cmd|exec|command)=(cat|id|ls|wget|curl|whoami|dir|/bin/)|__import__\(|o:[0-9]+:"[a-z]|\(\)\s*\{\s*:;\s*\}`)},
	{Traversal, regexp.MustCompile(`(\.\./|\.\.\\){2,}|/\.\./.{0,60}(etc/|proc/|windows/|root/|var/)|etc/(passwd|shadow|hosts)\b|proc/self/(environ|cmdline|maps)|windows/(win\.ini|system32)|boot\.ini|\x00`)},
	{Secrets, regexp.MustCompile(`/\.(env|git|svn|hg|aws|ssh|htpasswd|docker|npmrc|kube|ds_store)(\b|/|\.|$)|/(id_rsa|id_ed25519|credentials(\.json)?|secrets?\.(ya?ml|json)|wp-config\.php(\.bak|~|\.old)?|config\.(php|ya?ml|json)\.(bak|old)|database\.ya?ml|[a-z_-]{0,30}(backup|dump|db)\.(sql|zip|tar|tgz|gz|bak)(\.gz)?|heapdump|web\.config)$|/actuator/(env|heapdump|configprops)`)},
	{Injection, regexp.MustCompile(`\bunion\b[\s+/*()]{1,12}(all[\s+/*]{1,6})?select\b|['")]\s*(or|and)\s+['"(]?[a-z0-9_]{1,20}['")]?\s*(=|like|<|>)|\b(pg_sleep|sleep|benchmark|waitfor\s+delay|randomblob|dbms_pipe)\b\s*[('0-9]|information_schema|\bselect\b.{1,80}\bfrom\b.{1,40}(users|pg_|sys|passw|account)|;\s*(drop|insert|update|delete|alter|truncate|select)\s+(table|into|from|[a-z_]+ set|pg_)|['"]\s*(--|#|/\*)|\bextractvalue\(|\bload_file\(|xp_cmdshell`)},
	{Inside, regexp.MustCompile(`[=/](https?:/{1,2})?(169\.254\.169\.254|metadata\.google\.internal|100\.100\.100\.200)|=(gopher|dict|file)://|=https?://(127\.0\.0\.1|localhost|0\.0\.0\.0|\[::1\])`)},
	{Script, regexp.MustCompile(`<script|javascript:|onerror\s*=|onload\s*=|<svg|<img[^>]{0,40}src=|document\.cookie`)},
	{Scan, regexp.MustCompile(`/(wp-(login|admin|content|includes|json)|xmlrpc\.php|phpmyadmin|pma/|cgi-bin/|boaform|hnap1|solr/admin|manager/html|vendor/phpunit|owa/|autodiscover|_ignition|telescope|server-status|console/|jenkins/|hudson|struts|\.well-known/security\.txt\.php|shell\.php|adminer|setup\.cgi|gponform|sdk$|geoserver|druid/|nacos/|actuator)`)},
}

// marks are bytes of which every attack has one; most requests have none.
var marks = [][]byte{
	[]byte(".."), []byte("%"), []byte("'"), []byte("\""), []byte("<"), []byte("${"), []byte("{{"), []byte(";"), []byte("|"), []byte("`"), []byte("$("),
	[]byte("/."), []byte("passwd"), []byte("://"), []byte("169.254"), []byte("php"), []byte("wp-"), []byte("cgi"), []byte("actuator"), []byte("id_rsa"), []byte(".sql"),
	[]byte("backup"), []byte("dump"), []byte("secret"), []byte("credentials"), []byte("sleep"), []byte("union"), []byte("select"), []byte("config"), []byte("cmd="), []byte("exec="),
	[]byte("solr"), []byte("manager/"), []byte("console"), []byte("jenkins"), []byte("boaform"), []byte("hnap1"), []byte("phpmyadmin"), []byte("pma/"), []byte("owa/"), []byte("server-status"),
	[]byte("adminer"), []byte("geoserver"), []byte("druid"), []byte("nacos"), []byte("struts"), []byte("_ignition"), []byte("telescope"), []byte("hudson"), []byte("autodiscover"), []byte("vendor/"),
}

// ClassOf is what a request tries; empty where it is an ordinary one. Target is
// the path with its query, as it came.
func ClassOf(target []byte) Class {
	lower := bytes.ToLower(target)
	marked := false
	for _, m := range marks {
		if bytes.Contains(lower, m) {
			marked = true
			break
		}
	}
	if !marked {
		return ""
	}
	text := decoded(string(lower))
	for _, c := range classes {
		if c.is.MatchString(text) {
			return c.class
		}
	}
	return ""
}

// decoded undoes the escapes of a request, twice: what is hidden once is often
// hidden twice.
func decoded(text string) string {
	for range 2 {
		plain, err := url.PathUnescape(strings.ReplaceAll(text, "+", " "))
		if err != nil || plain == text {
			break
		}
		text = plain
	}
	return strings.ToLower(text)
}
