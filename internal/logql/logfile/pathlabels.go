package logfile

import (
	"path/filepath"
	"regexp"
)

// Kubernetes names its log files by what wrote them, in two trees:
//
//	/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log
//	/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log
//
// and Docker by the container: …/containers/ID/ID-json.log.
var (
	podDirectory  = regexp.MustCompile(`(?:^|/)pods/([a-z0-9.-]+)_([a-z0-9.-]+)_[0-9a-f-]{32,36}/([a-z0-9.-]+)/[^/]+$`)
	containerLink = regexp.MustCompile(`(?:^|/)containers/([a-z0-9.-]+)_([a-z0-9.-]+)_([a-z0-9.-]+)-[0-9a-f]{64}\.log$`)
	dockerFile    = regexp.MustCompile(`(?:^|/)containers/([0-9a-f]{64})/[0-9a-f]{64}-json\.log`)
)

// pathLabels are the labels that a path tells of all lines of its file.
func pathLabels(path string) map[string]string {
	path = filepath.ToSlash(path)
	if m := podDirectory.FindStringSubmatch(path); m != nil {
		return map[string]string{"namespace": m[1], "pod": m[2], "container": m[3]}
	}
	if m := containerLink.FindStringSubmatch(path); m != nil {
		return map[string]string{"namespace": m[2], "pod": m[1], "container": m[3]}
	}
	if m := dockerFile.FindStringSubmatch(path); m != nil {
		return map[string]string{"container_id": m[1][:12]} // as docker ps shows it
	}
	return nil
}
