package main

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"example.com/oauthbyhand/oauth/account"
	"example.com/oauthbyhand/providers/fake"
	"example.com/oauthbyhand/providers/registered"
)

// untimed is a provider whose work a benchmark does not count. It keeps what was sent
// and answered.
type untimed struct {
	b         *testing.B
	provider  http.RoundTripper
	exchanges *[]exchange
}

type exchange struct {
	method, url string
	header      http.Header
	sent        string
	answer      http.Response
	body        []byte
}

func (u untimed) RoundTrip(r *http.Request) (*http.Response, error) {
	u.b.StopTimer()
	defer u.b.StartTimer()
	e := exchange{method: r.Method, url: r.URL.String(), header: r.Header.Clone()}
	if r.Body != nil {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		e.sent = string(sent)
		r.Body = io.NopCloser(strings.NewReader(e.sent))
	}
	answer, err := u.provider.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if e.body, err = io.ReadAll(answer.Body); err != nil {
		return nil, err
	}
	e.answer = *answer
	answer.Body = io.NopCloser(bytes.NewReader(e.body))
	*u.exchanges = append(*u.exchanges, e)
	return answer, nil
}

// replay answers as the provider did, in the same order, again and again.
type replay struct {
	exchanges []exchange
	next      int
}

func (p *replay) RoundTrip(r *http.Request) (*http.Response, error) {
	e := p.exchanges[p.next%len(p.exchanges)]
	p.next++
	e.answer.Body, e.answer.Request = io.NopCloser(bytes.NewReader(e.body)), r
	return &e.answer, nil
}

// signInWithGoogle returns the app, and a function that signs in through it: /login, the user at
// the provider, which is not counted, and /callback with the token request, the ID token,
// the profile and the session. It returns what the browser and the provider exchanged
// with the app.
func signInWithGoogle(b *testing.B) (app http.Handler, signIn func() (login, callback *httptest.ResponseRecorder, query string, exchanges []exchange)) {
	const base, redirectURI = "http://localhost:8080", "http://localhost:8080/callback/google"
	simulator := fake.New(fake.Options{Clients: []fake.Client{{Provider: "google", ID: "app", Secret: "secret", RedirectURIs: []string{redirectURI}}}})
	var exchanges []exchange
	all := registered.All("")[:1]
	if err := all[0].Connect("app", "secret", redirectURI, untimed{b, simulator.Net(), &exchanges}); err != nil {
		b.Fatal(err)
	}
	baseURL, _ := url.Parse(base)
	_, handler, err := newApp(config{base: baseURL}, nil, all, account.NewMemory(), make([]byte, 32), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		b.Fatal(err)
	}
	provider := &http.Client{
		Transport:     simulator.Net(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return handler, func() (login, callback *httptest.ResponseRecorder, query string, _ []exchange) {
		exchanges = exchanges[:0]
		login = httptest.NewRecorder()
		handler.ServeHTTP(login, httptest.NewRequest("GET", base+"/login/google", nil))

		b.StopTimer()
		allowed := must(provider.PostForm(login.Header().Get("Location"), url.Values{"user": {"ada"}, "decision": {"allow"}, "scope": {"email", "profile"}}))
		request := httptest.NewRequest("GET", allowed.Header.Get("Location"), nil)
		request.Header.Set("Cookie", login.Header().Get("Set-Cookie"))
		b.StartTimer()

		callback = httptest.NewRecorder()
		handler.ServeHTTP(callback, request)
		if callback.Code != http.StatusSeeOther {
			b.Fatalf("%d: %s", callback.Code, callback.Body)
		}
		return login, callback, request.URL.RequestURI(), exchanges
	}
}

// BenchmarkSignIn is to be read with BenchmarkSignInFloor of the same run: a whole sign-in
// with Google, without the provider's work.
func BenchmarkSignIn(b *testing.B) {
	_, signIn := signInWithGoogle(b)
	signIn() // and with it the metadata and keys, once
	b.ReportAllocs()
	for b.Loop() {
		signIn()
	}
}

// BenchmarkProfile shows the page after BenchmarkSignIn.
func BenchmarkProfile(b *testing.B) {
	app, signIn := signInWithGoogle(b)
	_, callback, _, _ := signIn()
	request := httptest.NewRequest("GET", "http://localhost:8080/profile", nil)
	for _, c := range callback.Result().Cookies() {
		request.AddCookie(c)
	}
	b.ReportAllocs()
	for b.Loop() {
		page := httptest.NewRecorder()
		app.ServeHTTP(page, request)
		if page.Code != http.StatusOK {
			b.Fatalf("%d: %s", page.Code, page.Body)
		}
	}
}

// BenchmarkSignInFloor moves the same bytes as BenchmarkSignIn through net/http, verifies
// the signature of the ID token, and does nothing else.
func BenchmarkSignInFloor(b *testing.B) {
	_, signIn := signInWithGoogle(b)
	signIn()
	login, callback, query, exchanges := signIn()
	var reply struct {
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal(exchanges[0].body, &reply); err != nil || len(exchanges) != 2 {
		b.Fatal(err, len(exchanges))
	}
	dot := strings.LastIndexByte(reply.IDToken, '.')
	signature := must(base64.RawURLEncoding.DecodeString(reply.IDToken[dot+1:]))
	_, signer := fake.SigningKey("RS256")
	key := signer.Public().(*rsa.PublicKey)

	client := &http.Client{Transport: &replay{exchanges: exchanges}}
	answer := func(w http.ResponseWriter, recorded *httptest.ResponseRecorder) {
		maps.Copy(w.Header(), recorded.Header())
		w.WriteHeader(recorded.Code)
		w.Write(recorded.Body.Bytes())
	}
	handler := http.NewServeMux()
	handler.HandleFunc("GET /login/google", func(w http.ResponseWriter, r *http.Request) { answer(w, login) })
	handler.HandleFunc("GET /callback/google", func(w http.ResponseWriter, r *http.Request) {
		for _, e := range exchanges {
			request := must(http.NewRequestWithContext(r.Context(), e.method, e.url, strings.NewReader(e.sent)))
			maps.Copy(request.Header, e.header)
			response := must(client.Do(request))
			if _, err := io.ReadAll(response.Body); err != nil {
				b.Fatal(err)
			}
			response.Body.Close()
		}
		hash := sha256.Sum256([]byte(reply.IDToken[:dot]))
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature); err != nil {
			b.Fatal(err)
		}
		answer(w, callback)
	})
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://localhost:8080/login/google", nil))
		request := httptest.NewRequest("GET", "http://localhost:8080"+query, nil)
		request.Header.Set("Cookie", login.Header().Get("Set-Cookie"))
		handler.ServeHTTP(httptest.NewRecorder(), request)
	}
}
