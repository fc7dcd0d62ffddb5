package oauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What the tests of this package share: a provider in memory that says what a test
// wants it to say, tokens as its keys sign them, and how a test names the check that
// it expects to fail.

const (
	opMetadata = `{
		"issuer": "https://op.example",
		"authorization_endpoint": "https://op.example/authorize",
		"token_endpoint": "https://op.example/token",
		"userinfo_endpoint": "https://op.example/userinfo",
		"jwks_uri": "https://op.example/jwks"}`

	opDiscovery = "https://op.example/.well-known/openid-configuration"
	opJWKS      = "https://op.example/jwks"
	opToken     = "https://op.example/token"
	opUserinfo  = "https://op.example/userinfo"
)

// op is the other side of the wire. It answers by URL (without the query), and
// remembers what it was asked. A URL that it does not have is a network error.
type op struct {
	says  map[string]answer
	mu    sync.Mutex
	asked []RequestSent
}

// answer is what the provider says to one URL. Alone, it is a provider that says it to all.
type answer func(*http.Request) (*http.Response, error)

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// newOP returns an honest OpenID provider with one key of each kind.
func newOP() *op {
	return &op{says: map[string]answer{
		opDiscovery: saysJSON(opMetadata),
		opJWKS:      saysJSON(`{"keys": [` + rsaJWK() + `,` + ecJWK() + `]}`),
		opUserinfo:  saysJSON(`{"sub": "248289761001", "name": "Jane Doe"}`),
	}}
}

// but changes the answer to this URL.
func (p *op) but(url string, answer answer) *op {
	p.says[url] = answer
	return p
}

func (p *op) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.asked = append(p.asked, RequestSent{r.Method, r.URL.String(), r.Header.Clone(), string(body)})
	p.mu.Unlock()
	where, _, _ := strings.Cut(r.URL.String(), "?")
	if say := p.says[where]; say != nil {
		return say(r)
	}
	return down(r)
}

// count says how often a URL was asked for.
func (p *op) count(url string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.asked {
		if r.URL == url {
			n++
		}
	}
	return n
}

// says is an answer; headers are name and value by turns.
func says(status int, mediaType, body string, headers ...string) answer {
	return func(r *http.Request) (*http.Response, error) {
		header := http.Header{"Content-Type": {mediaType}}
		for i := 0; i < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func saysJSON(body string) answer { return says(http.StatusOK, "application/json", body) }

// down is a provider that cannot be reached.
func down(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

// hangs is a provider that takes the request and never answers.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// opRow is the provider's entry, as short as an entry can be.
func opRow() Provider {
	return Provider{
		About:  About{Name: "op"},
		Issuer: "https://op.example",
		OpenID: true,
		Scopes: []string{"openid", "email"},
		Profile: func(r ProfileInput) (p Profile, err error) {
			return p, r.IDToken.Read("sub", &p.Subject)
		},
	}
}

// plainRow is a provider of OAuth 2.0 alone, at the same endpoints.
func plainRow() Provider {
	return Provider{
		About: About{Name: "plain"},
		Metadata: Metadata{
			AuthorizationEndpoint: "https://op.example/authorize",
			TokenEndpoint:         opToken,
			UserinfoEndpoint:      opUserinfo,
		},
		Scopes: []string{"email"},
		Profile: func(r ProfileInput) (p Profile, err error) {
			o, err := parseObject(r.API[0])
			if err != nil {
				return p, err
			}
			return p, o.Read("sub", &p.Subject)
		},
	}
}

// must is for what a test needs and is not about.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// with returns a value as change leaves it, which may be nil.
func with[T any](value T, change func(*T)) T {
	if change != nil {
		change(&value)
	}
	return value
}

// bubble is a subtest with a clock of its own, which begins with the year 2000.
func bubble(t *testing.T, name string, test func(*testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

func newClient(t testing.TB, row Provider, transport http.RoundTripper) *Client {
	t.Helper()
	return must(NewClient(row, "app", "s3cret", "https://app.example/callback/"+row.Name, transport))
}

// wantEqual asserts a whole value.
func wantEqual[T any](t testing.TB, want, got T, reason string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%swhy: %s", diff, reason)
	}
}

// wantCheck asserts which check refused, and at which step. Without a name, nothing
// is to be refused.
func wantCheck(t testing.TB, err error, step int, name, reason string) {
	t.Helper()
	type failed struct {
		Step  int
		Check string
	}
	var got, want failed
	if name != "" {
		want = failed{step, name}
	}
	if e, ok := errors.AsType[*CheckError](err); ok {
		got = failed{e.Check.Step, e.Check.Name}
	} else if err != nil {
		t.Errorf("no check failed, but: %v\nwhy: %s", err, reason)
		return
	}
	wantEqual(t, want, got, fmt.Sprintf("%s\nthe error: %v", reason, err))
}

// wantGot asserts what a check says that it found and wanted.
func wantGot(t *testing.T, err error, want CheckError) {
	t.Helper()
	failed, ok := errors.AsType[*CheckError](err)
	if !ok {
		t.Fatalf("no check failed, but: %v", err)
	}
	want.Check = failed.Check
	wantEqual(t, want, *failed, "what the check found and wanted")
}

// wantRefusal asserts a denial by the user or the provider, and its words.
func wantRefusal(t testing.TB, err error, want Refusal, reason string) {
	t.Helper()
	got, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatalf("not a refusal but: %v\nwhy: %s", err, reason)
	}
	wantEqual(t, want, *got, reason)
}

// rsaKey and ecKey are the fake provider's, which are in files, so that a fuzz
// target's seeds are good in each of its processes.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return readKey("rsa.pem").(*rsa.PrivateKey) })
	ecKey  = sync.OnceValue(func() *ecdsa.PrivateKey { return readKey("ec.pem").(*ecdsa.PrivateKey) })
)

func readKey(name string) any {
	file := must(os.ReadFile("../providers/fake/keys/" + name))
	block, _ := pem.Decode(file)
	return must(x509.ParsePKCS8PrivateKey(block.Bytes))
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// rsaJWK is the provider's RSA key, kid "rsa", as it publishes it; ecJWK its EC key, kid "ec".
func rsaJWK() string { return jwkOfRSA("rsa", &rsaKey().PublicKey) }

func jwkOfRSA(kid string, public *rsa.PublicKey) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":%q,"n":%q,"e":%q}`, kid, b64(public.N.Bytes()), b64(big.NewInt(int64(public.E)).Bytes()))
}

func ecJWK() string {
	point := must(ecKey().PublicKey.Bytes()) // 4, then x and y of 32 bytes each
	return fmt.Sprintf(`{"kty":"EC","kid":"ec","crv":"P-256","x":%q,"y":%q}`, b64(point[1:33]), b64(point[33:]))
}

// sign returns a compact JWS of header and claims as written, signed by key. The
// signatures are the same each time.
func sign(header, claims string, key crypto.Signer) string {
	return signParts(b64([]byte(header))+"."+b64([]byte(claims)), key)
}

// signParts signs two parts of a compact JWS as they are.
func signParts(signed string, key crypto.Signer) string {
	hash := sha256.Sum256([]byte(signed))
	signature := must(key.Sign(nil, hash[:], crypto.SHA256))
	if _, ok := key.(*ecdsa.PrivateKey); ok { // R and S side by side (RFC 7518 §3.4)
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(signature, &rs); err != nil {
			panic(err)
		}
		signature = append(rs.R.FillBytes(make([]byte, 32)), rs.S.FillBytes(make([]byte, 32))...)
	}
	return signed + "." + b64(signature)
}

// set changes claims: to a value, or with absent to nothing.
type set map[string]any

var absent = struct{}{}

// epoch is 2000-01-01T00:00:00Z, when each bubble of testing/synctest begins. All
// times of these tokens are seconds before or after it.
const epoch = 946684800

// claims are those of a good ID token of now, with changes.
func claims(changes set) string {
	all := map[string]any{
		"iss": "https://op.example", "aud": "app", "sub": "248289761001",
		"iat": epoch, "exp": epoch + 3600, "nonce": "n-0S6_WzA2Mj",
	}
	for name, value := range changes {
		if all[name] = value; value == absent {
			delete(all, name)
		}
	}
	text := must(json.Marshal(all))
	return string(text)
}

// The headers of tokens of the provider's two keys.
const rs256, es256 = `{"alg":"RS256","kid":"rsa"}`, `{"alg":"ES256","kid":"ec"}`

// verify is step 4, with the token as step 3 brings it.
func verify(t testing.TB, c *Client, compact string) (Tokens, error) {
	attempt := attemptOf("op")
	attempt.Begun = time.Unix(epoch, 0)
	return c.VerifyIDToken(t.Context(), Unverified{attempt, Tokens{Provider: "op", AccessToken: "t0ken"}, compact, false})
}
