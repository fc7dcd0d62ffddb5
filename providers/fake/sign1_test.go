package fake

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The published signatures also verify here, with code that the client does not share. If there is a
// realm, it is in the header and not signed.
func TestPublishedSignatures(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/vectors/oauth1-*.txt")
	verified := 0
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v := map[string]string{}
		for line := range strings.Lines(string(content)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			v[name] = value
		}
		if v["expect"] != "signature ok" {
			continue
		}
		r, err := http.NewRequest(v["method"], v["url"], strings.NewReader(v["body"]))
		if err != nil {
			t.Fatal(err)
		}
		header := `OAuth realm="` + url.PathEscape(v["realm"]) + `"`
		for pair := range strings.SplitSeq(v["parameters"]+"&oauth_signature="+escape(v["signature"]), "&") {
			name, value, _ := strings.Cut(pair, "=")
			header += "," + name + `="` + value + `"`
		}
		r.Header.Set("Authorization", header)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		parameters, oauth, f := collect(r)
		if f != nil {
			t.Fatalf("%s: %v", file, f)
		}
		if got := signature(baseString(v["method"], r.URL.Scheme+"://"+r.Host+r.URL.EscapedPath(), parameters), v["client_secret"], v["token_secret"]); got != oauth["oauth_signature"] || got != v["signature"] {
			t.Errorf("%s: %s, want %s", file, got, v["signature"])
		}
		verified++
	}
	if verified < 9 {
		t.Errorf("%d vectors were there to be verified", verified)
	}
}
