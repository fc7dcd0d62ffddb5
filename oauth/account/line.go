package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendLine appends a line. Sealed text stands beside the change: it is most of the
// line, a start reads all lines, and it needs no JSON decoder, being base64url.
func appendLine(b []byte, r record) ([]byte, error) {
	sealed := ""
	if !strings.ContainsFunc(r.Identity.Sealed, notBase64url) {
		sealed, r.Identity.Sealed = r.Identity.Sealed, ""
	}
	change, err := json.Marshal(r)
	summed := slices.Concat([]byte(`"`+sealed+`",`), change)
	return fmt.Appendf(b, "[\"%08x\",%s]\n", crc32.Checksum(summed, castagnoli), summed), err
}

func notBase64url(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_'
}

// torn reports whether a last line looks like the beginning of a record, which was
// then never acknowledged. Anything else was not written by this app: a disk that lost
// what it had, or a file that is somebody's.
func torn(line []byte, first bool) bool {
	const before = len(`["00000000",`)
	rest := string(line[min(before, len(line)):])
	// A second record in the line would mean that the break between them was lost.
	if !begins(string(line), `["`) || bytes.Count(line, []byte(`["`)) > 1 || bytes.IndexByte(line, 0) >= 0 {
		return false
	}
	return !first || begins(rest, `"",{"Op":"`+string(opHeader)+`","Header":`)
}

// begins reports whether one of two texts begins with the other.
func begins(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

func parseLine(line []byte) (record, error) {
	const before, after = len(`["00000000",`), len("]\n")
	if len(line) < before+after || !bytes.HasSuffix(line, []byte("]\n")) {
		return record{}, errors.New("cut short")
	}
	summed := line[before : len(line)-after]
	if !bytes.Equal(line[:before], fmt.Appendf(nil, "[\"%08x\",", crc32.Checksum(summed, castagnoli))) {
		return record{}, errors.New("checksum")
	}
	sealed, change, ok := bytes.Cut(bytes.TrimPrefix(summed, []byte(`"`)), []byte(`",`))
	if !ok {
		return record{}, errors.New("not a record")
	}
	var r record
	err := json.Unmarshal(change, &r)
	if len(sealed) > 0 {
		r.Identity.Sealed = string(sealed)
	}
	return r, err
}
