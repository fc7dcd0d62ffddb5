package oauth

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// member returns an object in JSON with one more member.
func member(jwk, more string) string { return strings.Replace(jwk, "{", "{"+more+",", 1) }

// Each row is what the provider publishes as its keys. The token is signed with its RSA
// key, if no other is named, and everything else in it is good.
func TestKeys(t *testing.T) {
	newRSA := func(bits int) *rsa.PrivateKey {
		return must(rsa.GenerateKey(rand.Reader, bits))
	}
	rsa1024, other := newRSA(1024), newRSA(2048)
	e := func(value string) string { return strings.Replace(rsaJWK(), `"e":"AQAB"`, `"e":`+value, 1) }
	n := func(value string) string { return fmt.Sprintf(`{"kty":"RSA","kid":"rsa","n":%s,"e":"AQAB"}`, value) }
	x32 := b64([]byte(strings.Repeat("x", 32)))

	for name, tt := range map[string]struct {
		keys   string
		header string        // rs256 when empty
		signer crypto.Signer // rsaKey when nil
		fails  string
		reason string
	}{
		"one EC key":    {keys: ecJWK(), header: es256, signer: ecKey(), reason: "the least"},
		"for verifying": {keys: member(rsaJWK(), `"use":"sig","alg":"RS256","key_ops":["sign","verify"]`), reason: "what it is for (RFC 7517 §4.2, §4.3, §4.4)"},
		"more members":  {keys: member(rsaJWK(), `"x5t":"abc","exp":17,"nested":{},"d":"AQAB","p":7`), reason: "they are ignored (RFC 7517 §4), also private ones"},
		"odd company": {keys: `{"kty":"OKP","crv":"Ed25519","x":"` + x32 + `"},{"kty":"EC","crv":"secp256k1","x":"` + x32 + `","y":"` + x32 + `"},` +
			`{"kty":"oct","k":"` + x32 + `"},{"kty":7},{"kid":"rsa"},{},{"kty":"RSA"},{"kty":"XYZ","kid":7},` + rsaJWK(),
			reason: "a key that is not understood does not spoil the others (RFC 7517 §5)"},

		"use enc":         {keys: member(rsaJWK(), `"use":"enc"`), fails: "key-fits", reason: "a key for encryption, maybe kept less well"},
		"use enc, no kid": {keys: member(rsaJWK(), `"use":"enc"`), header: `{"alg":"RS256"}`, fails: "key-fits", reason: "not tried either"},
		"key_ops sign":    {keys: member(rsaJWK(), `"key_ops":["sign"]`), fails: "key-fits", reason: "not for verifying"},
		"key_ops text":    {keys: member(rsaJWK(), `"key_ops":"verify"`), fails: "key-fits", reason: "a list (RFC 7517 §4.3)"},
		"alg PS256":       {keys: member(rsaJWK(), `"alg":"PS256"`), fails: "key-fits", reason: "a key is for one algorithm (RFC 8725 §3.1)"},
		"oct":             {keys: `{"kty":"oct","kid":"rsa","alg":"RS256","k":"` + x32 + `"}`, fails: "key-fits", reason: "a shared secret, published"},

		"1024 bits":     {keys: jwkOfRSA("rsa", &rsa1024.PublicKey), signer: rsa1024, fails: "key-fits", reason: "it can be factored (RFC 7518 §3.3)"},
		"2047 bits":     {keys: n(`"` + b64([]byte("\x7f"+strings.Repeat("\xff", 255))) + `"`), fails: "key-fits", reason: "one too few"},
		"4096 bits":     {keys: n(`"` + b64([]byte(strings.Repeat("\xff", 512))) + `"`), fails: "id-token-signature", reason: "it fits, and has not signed"},
		"4097 bits":     {keys: n(`"` + b64([]byte("\x01"+strings.Repeat("\xff", 512))) + `"`), fails: "key-fits", reason: "each verification is work that somebody else gives us"},
		"e of 31 bits":  {keys: e(`"f____w"`), fails: "id-token-signature", reason: "it fits, and has not signed"},
		"e of 32 bits":  {keys: e(`"_____w"`), fails: "key-fits", reason: "each bit is work"},
		"e 1":           {keys: e(`"AQ"`), fails: "key-fits", reason: "every text is its own signature (RFC 8017 §3.1)"},
		"e 3":           {keys: e(`"Aw"`), fails: "id-token-signature", reason: "the least that fits, and has not signed"},
		"e even":        {keys: e(`"AQAA"`), fails: "key-fits", reason: "no RSA"},
		"off the curve": {keys: `{"kty":"EC","kid":"ec","crv":"P-256","x":"` + x32 + `","y":"` + x32 + `"}`, header: es256, signer: ecKey(), fails: "key-fits", reason: "such a point gives away secrets, or fits any signature (RFC 8725 §3.4)"},

		"no kid, several": {keys: jwkOfRSA("a", &other.PublicKey) + "," + rsaJWK() + "," + ecJWK(), header: `{"alg":"RS256"}`,
			reason: "each that fits is tried; the first alone would fail at random"},
		"no kid, the eighth": {keys: strings.Repeat(jwkOfRSA("a", &other.PublicKey)+",", 7) + ecJWK() + "," + rsaJWK(), header: `{"alg":"RS256"}`, reason: "as many as are tried"},
		"no kid, the ninth": {keys: strings.Repeat(jwkOfRSA("a", &other.PublicKey)+",", 8) + rsaJWK(), header: `{"alg":"RS256"}`, fails: "id-token-signature",
			reason: "each verification is work that somebody else gives us"},
		"one kid, the ninth":     {keys: strings.Repeat(jwkOfRSA("rsa", &other.PublicKey)+",", 8) + rsaJWK(), fails: "id-token-signature", reason: "likewise"},
		"no kid, none signed":    {keys: jwkOfRSA("a", &other.PublicKey) + "," + ecJWK(), header: `{"alg":"RS256"}`, fails: "id-token-signature", reason: "tried, and none of them"},
		"no kid, none fits":      {keys: ecJWK(), header: `{"alg":"RS256"}`, fails: "key-fits", reason: "nothing to try"},
		"keys without kid":       {keys: strings.Replace(rsaJWK(), `"kid":"rsa",`, "", 1), header: `{"alg":"RS256"}`, reason: "kid is optional on both sides (RFC 7517 §4.5)"},
		"kid, key without":       {keys: strings.Replace(rsaJWK(), `"kid":"rsa",`, "", 1), fails: "key-known", reason: "a token that names a key is for that key"},
		"right kid, another key": {keys: jwkOfRSA("rsa", &other.PublicKey) + "," + jwkOfRSA("b", &rsaKey().PublicKey), fails: "id-token-signature", reason: "never another key than the one named"},
		"one kid, two keys":      {keys: jwkOfRSA("rsa", &other.PublicKey) + "," + rsaJWK(), reason: "both are the provider's; either may have signed"},
		"one kid, two types":     {keys: strings.Replace(ecJWK(), `"ec"`, `"rsa"`, 1) + "," + rsaJWK(), reason: "kids are told apart by the type too (RFC 7517 §4.5)"},
		"one kid, one unfit":     {keys: member(jwkOfRSA("rsa", &other.PublicKey), `"use":"enc"`) + "," + rsaJWK(), reason: "the other one is good"},
	} {
		bubble(t, name, func(t *testing.T) {
			token := sign(cmp.Or(tt.header, rs256), claims(nil), cmp.Or[crypto.Signer](tt.signer, rsaKey()))
			_, err := verify(t, newClient(t, opRow(), newOP().but(opJWKS, saysJSON(`{"keys": [`+tt.keys+`]}`))), token)
			wantCheck(t, err, 4, tt.fails, tt.reason)
		})
	}
}

func TestKeysSayWhy(t *testing.T) {
	noKid := strings.Replace(rsaJWK(), `"kid"`, `"x-kid"`, 1)
	enc := member(rsaJWK(), `"use":"enc"`)
	for _, tt := range []struct {
		keys, header string
		want         CheckError
	}{
		{rsaJWK() + "," + ecJWK(), `{"alg":"RS256","kid":"other"}`, CheckError{Got: "other", Want: "rsa or ec"}},
		{rsaJWK() + "," + ecJWK(), `{"alg":"ES256","kid":"rsa"}`, CheckError{Got: "a key for RS256, not for ES256", Want: "a key for ES256"}},
		{noKid, rs256, CheckError{Got: "rsa", Want: "(a key without kid)"}},
		{noKid + "," + ecJWK(), rs256, CheckError{Got: "rsa", Want: "(a key without kid) or ec"}},
		{enc + "," + enc + "," + ecJWK(), rs256, CheckError{Got: `a key whose use or key_ops do not let it verify signatures; a key whose use or key_ops do not let it verify signatures`, Want: "a key for RS256"}},
		{"", `{"alg":"RS256"}`, CheckError{Want: "a key for RS256"}},
		{"", rs256, CheckError{Got: "rsa", Want: "one of an empty list"}},
	} {
		_, err := verify(t, newClient(t, opRow(), newOP().but(opJWKS, saysJSON(`{"keys": [`+tt.keys+`]}`))), sign(tt.header, claims(nil), rsaKey()))
		wantGot(t, err, tt.want)
	}
}

func TestParseKeySaysWhy(t *testing.T) {
	x32, x33 := b64([]byte(strings.Repeat("x", 32))), b64([]byte(strings.Repeat("x", 33)))
	for jwk, want := range map[string]string{
		`{"kty":"RSA","e":"AQAB"}`:                                                     "a key whose n is missing or not base64url",
		`{"kty":"RSA","n":"","e":"AQAB"}`:                                              "a key whose n is missing or not base64url",
		`{"kty":"RSA","n":"*","e":"AQAB"}`:                                             "a key whose n is missing or not base64url",
		`{"kty":"RSA","n":5,"e":"AQAB"}`:                                               "a key whose n is missing or not base64url",
		`{"kty":7}`:                                                                    "kty has the wrong type",
		`{"kty":"RSA","kid":7}`:                                                        "kid has the wrong type",
		`{"kty":"RSA","use":7}`:                                                        "use has the wrong type",
		`{"kty":"RSA","alg":7}`:                                                        "alg has the wrong type",
		`{"kty":"RSA","n":"BQ","e":7}`:                                                 "a key whose e is missing or not base64url",
		`{"kty":"EC","crv":7}`:                                                         "crv has the wrong type",
		`{"kty":"EC","crv":"P-256","x":7}`:                                             "a key whose x is missing or not base64url",
		`{"kty":"EC","x":"` + x32 + `","y":7}`:                                         "a key whose y is missing or not base64url",
		`{"kty":"RSA","n":"BQ","e":"AQAB"}`:                                            "an RSA key of 3 bits",
		`{"kty":"EC","crv":"P-256"}`:                                                   "a key whose x is missing or not base64url",
		`{"kty":"EC","crv":"P-256","x":"` + x33 + `","y":"` + x32 + `"}`:               `an EC key on curve "P-256" with coordinates of 33 and 32 bytes`,
		`{"kty":"EC","crv":"P-256","x":"` + x32 + `","y":"` + x33 + `"}`:               `an EC key on curve "P-256" with coordinates of 32 and 33 bytes`,
		`{"kty":"EC","crv":"P-384","x":"` + x32 + `","y":"` + x32 + `"}`:               `an EC key on curve "P-384" with coordinates of 32 and 32 bytes`,
		`{"kty":"EC","x":"` + x32 + `","y":"` + x32 + `"}`:                             `an EC key on curve "" with coordinates of 32 and 32 bytes`,
		`{"kty":"OKP","crv":"P-256","x":"` + x32 + `","y":"` + x32 + `"}`:              `a key of type "OKP" for algorithm ""`,
		`{"kty":"EC","alg":"ES384","crv":"P-256","x":"` + x32 + `","y":"` + x32 + `"}`: `a key of type "EC" for algorithm "ES384"`,
	} {
		o := must(parseObject([]byte(jwk)))
		wantEqual(t, want, fmt.Sprint(parseKey(o).unfit), jwk)
	}
}

func TestKeysReply(t *testing.T) {
	good := `{"keys": [` + rsaJWK() + `]}`
	for name, tt := range map[string]struct {
		says   answer
		fails  string
		reason string
	}{
		"JWK set":     {says(200, "application/jwk-set+json", good), "", "its own media type (RFC 7517 §8.5.2)"},
		"keys a word": {saysJSON(`{"keys": "all"}`), "reply-json", "a list (RFC 7517 §5)"},
		"KEYS":        {saysJSON(strings.Replace(good, "keys", "KEYS", 1)), "key-known", "names are case-sensitive"},
		"100 keys":    {saysJSON(`{"keys": [` + strings.Repeat(ecJWK()+",", 99) + rsaJWK() + `]}`), "", "more than anybody has"},
		"101 keys":    {saysJSON(`{"keys": [` + strings.Repeat(ecJWK()+",", 100) + rsaJWK() + `]}`), "reply-size", "each is work for a token without a kid"},
	} {
		bubble(t, name, func(t *testing.T) {
			_, err := verify(t, newClient(t, opRow(), newOP().but(opJWKS, tt.says)), sign(rs256, claims(nil), rsaKey()))
			wantCheck(t, err, 4, tt.fails, tt.reason)
			if tt.fails == "reply-size" {
				wantGot(t, err, CheckError{Got: "too many keys"})
			}
		})
	}
}

// Whatever a provider publishes as a key, only one that is strong enough is taken.
func FuzzKeys(f *testing.F) {
	f.Add(`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`)
	f.Add(`{"kty":"RSA","n":"AQAB","e":"AQAB","key_ops":["verify"],"use":"sig"}`)
	f.Add(`{"kty":"oct","k":"c2VjcmV0","kid":1}`)
	f.Fuzz(func(t *testing.T, body string) {
		o, err := parseObject([]byte(body))
		if err != nil {
			return
		}
		k := parseKey(o)
		if k.unfit != nil {
			return
		}
		switch public := k.public.(type) {
		case *rsa.PublicKey:
			if bits := public.N.BitLen(); bits < 2048 || bits > maxRSABits || public.E < 3 || public.E%2 == 0 || k.alg != "RS256" {
				t.Errorf("an RSA key of %d bits with exponent %d for %s was taken", bits, public.E, k.alg)
			}
		case *ecdsa.PublicKey:
			if _, err := public.ECDH(); err != nil || k.alg != "ES256" {
				t.Errorf("an EC key for %s was taken: %v", k.alg, err)
			}
		default:
			t.Errorf("%T was taken", public)
		}
	})
}

// tokenOf is a good token of now that names this key.
func tokenOf(kid string) string {
	return sign(`{"alg":"RS256","kid":"`+kid+`"}`, claims(set{"iat": time.Now().Unix(), "exp": time.Now().Unix() + 60}), rsaKey())
}

func (p *op) publish(kids ...string) {
	keys := make([]string, len(kids))
	for i, kid := range kids {
		keys[i] = jwkOfRSA(kid, &rsaKey().PublicKey)
	}
	p.says[opJWKS] = saysJSON(`{"keys": [` + strings.Join(keys, ",") + `]}`)
}

// A provider may change its keys, and its tokens name none. Then a change shows in that none of the known keys that fit
// made the signature.
func TestKeysRotationWithoutKid(t *testing.T) {
	otherRSA := strings.Replace(rsaJWK(), b64(rsaKey().N.Bytes()), b64([]byte("\x80"+strings.Repeat("x", 255))), 1)
	published := func(keys ...string) answer { return saysJSON(`{"keys": [` + strings.Join(keys, ",") + `]}`) }
	enc := member(rsaJWK(), `"use":"enc"`)
	for _, tt := range []struct {
		alg           string
		known         answer
		earlier       bool // known since an earlier sign-in, with the EC key
		later         answer
		fails, reason string
	}{
		{"RS256", published(ecJWK()), true, published(rsaJWK()), "", "another type"},
		{"RS256", published(otherRSA), false, published(rsaJWK()), "", "another key of one type"},
		{"RS256", published(otherRSA), false, says(503, "text/html", ""), "reply-status-200", "down when it is asked again"},
		{"RS256", published(enc, ecJWK()), true, published(rsaJWK()), "", "the key that signed it was for encryption"},
		{"RS256", published(enc, ecJWK()), true, published(enc), "key-fits", "and still is"},
		{"ES256", published(rsaJWK(), ecJWK()), true, published(rsaJWK(), ecJWK()), "id-token-signature", "the key that signed it is for another algorithm"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newOP()
			p.says[opJWKS] = func(r *http.Request) (*http.Response, error) {
				p.says[opJWKS] = tt.later
				return tt.known(r)
			}
			c := newClient(t, opRow(), p)
			if tt.earlier {
				_, err := verify(t, c, sign(es256, claims(nil), ecKey()))
				wantCheck(t, err, 4, "", "the old key")
			}
			_, err := verify(t, c, sign(`{"alg":"`+tt.alg+`"}`, claims(nil), rsaKey()))
			wantCheck(t, err, 4, tt.fails, tt.reason)
			wantEqual(t, 2, p.count(opJWKS), "fetches of the keys: "+tt.reason)
		})
	}
}

// A token without kid causes no fetch if its key is known, and one fetch if that fails.
func TestKeysWithoutKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		c, token := newClient(t, opRow(), p), sign(`{"alg":"RS256"}`, claims(nil), rsaKey())
		good := p.says[opJWKS]
		for i, fails := range []string{"reply-status-200", "", ""} {
			p.says[opJWKS] = good
			if fails != "" {
				p.says[opJWKS] = says(503, "text/html", "")
			}
			_, err := verify(t, c, token)
			wantCheck(t, err, 4, fails, "without kid")
			wantEqual(t, min(i+1, 2), p.count(opJWKS), fmt.Sprintf("fetches of the keys until sign-in %d", i))
		}
	})
}

// An unknown kid is the sign of a change (OIDC Core §10.1.1). However many sign-ins meet a new
// key at once, one fetch is enough for all.
func TestKeysRotationAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		p.publish("old")
		c := newClient(t, opRow(), p)
		must(verify(t, c, tokenOf("old")))
		p.publish("new")
		fetched{p, opJWKS, p.says[opJWKS], 4, nil}.slow(time.Second)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				_, err := verify(t, c, tokenOf("new"))
				wantCheck(t, err, 4, "", "the key is on its way")
			})
		}
		all.Wait()
		wantEqual(t, 2, p.count(opJWKS), "fetches of the keys")
	})
}

// Tokens with made-up kids are a way to make this app flood its provider.
func TestKeysRefetchIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		p.publish("known")
		c := newClient(t, opRow(), p)
		must(verify(t, c, tokenOf("known")))
		flood := func(after time.Duration, kid bool, fetches int, reason string) {
			t.Helper()
			time.Sleep(after)
			before := p.count(opJWKS)
			for i := range 20 {
				token, fails := tokenOf(fmt.Sprint("made-up-", i)), "key-known"
				if !kid {
					token, fails = flip(sign(`{"alg":"RS256"}`, claims(nil), rsaKey()), 2), "id-token-signature"
				}
				_, err := verify(t, c, token)
				wantCheck(t, err, 4, fails, "nobody published it")
			}
			wantEqual(t, fetches, p.count(opJWKS)-before, fmt.Sprintf("fetches after %s: %s", after, reason))
			_, err := verify(t, c, tokenOf("known"))
			wantCheck(t, err, 4, "", "a flood keeps nobody else from signing in")
		}
		flood(0, true, 1, "one, although the keys were just fetched")
		flood(9*time.Second, false, 0, "not yet")
		flood(time.Second, true, 1, "one each 10 s")
		flood(10*time.Minute, false, 1, "no more after a rest")

		// A real change in the middle of a flood is seen 10 s later.
		p.publish("new")
		_, err := verify(t, c, tokenOf("new"))
		wantCheck(t, err, 4, "key-known", "the price of the bound")
		time.Sleep(10 * time.Second)
		_, err = verify(t, c, tokenOf("new"))
		wantCheck(t, err, 4, "", "seen")
	})
}

// The provider is down when a token with an unknown kid comes: that token waits and
// fails, the others go on with the keys that are there.
func TestKeysDownWhileKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newOP()
		p.publish("known")
		c := newClient(t, opRow(), p)
		must(verify(t, c, tokenOf("known")))
		p.says[opJWKS] = hangs
		lost := make(chan error)
		go func() {
			_, err := verify(t, c, tokenOf("unknown"))
			lost <- err
		}()
		synctest.Wait()
		began := time.Now()
		_, err := verify(t, c, tokenOf("known"))
		wantCheck(t, err, 4, "", "nothing is wrong with this one")
		wantEqual(t, 0, time.Since(began), "it does not wait for the other")
		wantCheck(t, <-lost, 4, "reply-received", "no answer about the unknown key")
	})
}

// A key that does not fit has signed nothing.
func TestNoKeySignsNothing(t *testing.T) {
	if (jws{signature: bytes.Repeat([]byte{1}, 64)}).signedBy(key{unfit: errors.New("x")}) {
		t.Error("it has signed")
	}
}

// BenchmarkKeysWorst is the most that a provider can make one sign-in cost: 100 keys, as
// large as they may be, none of which signed a token that names none. They are fetched
// twice, and eight of them are tried each time.
func BenchmarkKeysWorst(b *testing.B) {
	p := newOP()
	modulus := new(big.Int).SetBytes([]byte(strings.Repeat("\xff", 512)))
	jwk := jwkOfRSA("a", &rsa.PublicKey{N: modulus, E: 1<<31 - 1})
	p.says[opJWKS] = saysJSON(`{"keys": [` + strings.Repeat(jwk+",", 99) + jwk + `]}`)
	compact := sign(`{"alg":"RS256"}`, claims(nil), rsaKey())
	b.ReportAllocs()
	for b.Loop() {
		_, err := verify(b, newClient(b, opRow(), p), compact)
		wantCheck(b, err, 4, "id-token-signature", "none of them signed it")
	}
	if fetched := p.count(opJWKS); fetched != 2*b.N {
		b.Errorf("the keys were fetched %d times in %d sign-ins", fetched, b.N)
	}
}
