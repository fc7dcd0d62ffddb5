package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// formatLine makes the line of a record. Sealed text stands beside the change: it is
// most of the line, and a start, which reads all lines, would spend most of its time on
// decoding it as JSON.
func formatLine(r record) ([]byte, error) {
	sealed := r.Identity.Sealed
	r.Identity.Sealed = ""
	change, err := json.Marshal(r)
	return summed(fmt.Appendf(nil, "%q,%s", sealed, change)), err
}

func summed(content []byte) []byte {
	return fmt.Appendf(nil, "[\"%08x\",%s]\n", crc32.Checksum(content, castagnoli), content)
}

func parseLine(line []byte) (r record, err error) {
	const before, after = len(`["00000000",`), len("]\n")
	if len(line) < before+after {
		return record{}, errors.New("cut short")
	}
	content := line[before : len(line)-after]
	if !bytes.Equal(line, summed(content)) {
		return record{}, errors.New("checksum")
	}
	sealed, err := strconv.QuotedPrefix(string(content))
	if err != nil {
		return record{}, err
	}
	if err = json.Unmarshal(bytes.TrimPrefix(content[len(sealed):], []byte(",")), &r); err != nil {
		return record{}, err
	}
	r.Identity.Sealed, err = strconv.Unquote(sealed)
	return r, err
}
