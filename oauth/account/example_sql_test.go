package account_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"example.com/oauthbyhand/oauth/account"
)

// If the app runs on several machines, keep the records in a database. This file is all that
// you need: copy it and choose a driver.
func ExampleStore_sql() {
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL")) // import a driver of this name
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := hex.DecodeString(os.Getenv("SESSION_KEY")) // the same on each machine
	if err != nil {
		fmt.Println(err)
		return
	}
	accounts, err := account.NewAccounts(sqlStore{db, " FOR UPDATE"}, key, slog.Default(), func(in account.SignedIn) {
		fmt.Println("welcome", in.Identity.UserID)
	})
	fmt.Println(accounts, err)
}

// sqlStore is an account.Store in PostgreSQL, with this schema; times are
// nanoseconds since 1970:
//
//	CREATE TABLE users (
//	  id TEXT PRIMARY KEY -- add what your app knows about its users
//	);
//	CREATE TABLE identities (
//	  seq      BIGSERIAL PRIMARY KEY,
//	  provider TEXT   NOT NULL,
//	  subject  TEXT   NOT NULL,
//	  user_id  TEXT   NOT NULL REFERENCES users (id),
//	  created  BIGINT NOT NULL,
//	  sealed   TEXT   NOT NULL,
//	  UNIQUE (provider, subject)
//	);
//	CREATE INDEX identities_user ON identities (user_id, seq);
//	CREATE TABLE sessions (
//	  hash     TEXT   PRIMARY KEY,
//	  user_id  TEXT   NOT NULL REFERENCES users (id),
//	  provider TEXT   NOT NULL,
//	  subject  TEXT   NOT NULL,
//	  begun    BIGINT NOT NULL,
//	  seen     BIGINT NOT NULL,
//	  proof    TEXT   NOT NULL,
//	  FOREIGN KEY (provider, subject) REFERENCES identities (provider, subject) ON DELETE CASCADE
//	);
//	CREATE INDEX sessions_user ON sessions (user_id);
//	CREATE INDEX sessions_begun ON sessions (begun);
//
// seq is the order in which identities were added; in SQLite it is INTEGER PRIMARY KEY. The
// foreign keys must be enforced: they end the sessions of an identity that is removed. In
// SQLite that takes PRAGMA foreign_keys = ON for each connection.
//
// forUpdate is " FOR UPDATE" in PostgreSQL, and empty in SQLite. Open an SQLite database
// with _txlock=immediate in the data source name: then one transaction writes at a time,
// and all others wait.
type sqlStore struct {
	db        *sql.DB
	forUpdate string
}

var _ account.Store = sqlStore{}

// inTx runs f in a transaction, which is undone if f fails.
func (s sqlStore) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// one returns otherwise if a statement did not change exactly one row.
func one(result sql.Result, err error, otherwise error) error {
	if err != nil {
		return err
	}
	if rows, err := result.RowsAffected(); err != nil || rows == 1 {
		return err
	}
	return otherwise
}

func (s sqlStore) AddIdentity(ctx context.Context, i account.Identity) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		// DO UPDATE locks the user: another request may be about to delete it.
		if _, err := tx.ExecContext(ctx, `INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = excluded.id`, i.UserID); err != nil {
			return err
		}
		// Two sign-ins may come at once. The UNIQUE constraint sees this, and a SELECT would not.
		result, err := tx.ExecContext(ctx, `INSERT INTO identities (provider, subject, user_id, created, sealed)
			VALUES ($1, $2, $3, $4, $5) ON CONFLICT (provider, subject) DO NOTHING`,
			i.Provider, i.Subject, i.UserID, i.Created.UnixNano(), i.Sealed)
		return one(result, err, account.ErrTaken)
	})
}

const identityColumns = `SELECT provider, subject, user_id, created, sealed FROM identities `

func scanIdentity(row interface{ Scan(...any) error }) (i account.Identity, err error) {
	var created int64
	err = row.Scan(&i.Provider, &i.Subject, &i.UserID, &created, &i.Sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Identity{}, account.ErrNotFound
	}
	i.Created = time.Unix(0, created).UTC()
	return i, err
}

func (s sqlStore) Identity(ctx context.Context, key account.Key) (account.Identity, error) {
	return scanIdentity(s.db.QueryRowContext(ctx, identityColumns+`WHERE provider = $1 AND subject = $2`, key.Provider, key.Subject))
}

func (s sqlStore) Identities(ctx context.Context, userID string) (all []account.Identity, err error) {
	rows, err := s.db.QueryContext(ctx, identityColumns+`WHERE user_id = $1 ORDER BY seq`, userID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		i, err := scanIdentity(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, rows.Err()
}

// UpdateTokens holds a connection while the provider answers, and while it waits for the
// lock. Give it a second [sql.DB]. Otherwise one slow provider can take all connections, and
// no session can be read.
func (s sqlStore) UpdateTokens(ctx context.Context, userID string, key account.Key, update func(string) (string, error)) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		i, err := scanIdentity(tx.QueryRowContext(ctx, identityColumns+`WHERE provider = $1 AND subject = $2 AND user_id = $3`+s.forUpdate, key.Provider, key.Subject, userID))
		if err != nil {
			return err
		}
		sealed, err := update(i.Sealed)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `UPDATE identities SET sealed = $1 WHERE provider = $2 AND subject = $3`, sealed, key.Provider, key.Subject)
		return one(result, err, account.ErrNotFound)
	})
}

func (s sqlStore) RemoveIdentity(ctx context.Context, userID string, key account.Key) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		// Lock the user. Otherwise, if two identities are removed at once, each transaction
		// still sees the other identity, and neither deletes the user.
		var id string
		err := tx.QueryRowContext(ctx, `SELECT id FROM users WHERE id = $1`+s.forUpdate, userID).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return account.ErrNotFound
		}
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `DELETE FROM identities WHERE provider = $1 AND subject = $2 AND user_id = $3`, key.Provider, key.Subject, userID)
		if err := one(result, err, account.ErrNotFound); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM users WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM identities WHERE user_id = $1)`, userID)
		return err
	})
}

func (s sqlStore) AddSession(ctx context.Context, session account.Session) error {
	// If the user does not have the identity, this inserts nothing.
	result, err := s.db.ExecContext(ctx, `INSERT INTO sessions (hash, user_id, provider, subject, begun, seen, proof)
		SELECT $1, user_id, provider, subject, $5, $6, $7 FROM identities WHERE user_id = $2 AND provider = $3 AND subject = $4`,
		session.Hash, session.UserID, session.Key.Provider, session.Key.Subject, session.Begun.UnixNano(), session.Seen.UnixNano(), session.Proof)
	return one(result, err, account.ErrNotFound)
}

// Session does not delete sessions that have ended. Let a job do that now and then.
func (s sqlStore) Session(ctx context.Context, hash string) (account.Session, error) {
	session := account.Session{Hash: hash}
	var begun, seen int64
	err := s.db.QueryRowContext(ctx, `SELECT user_id, provider, subject, begun, seen, proof FROM sessions WHERE hash = $1`, hash).
		Scan(&session.UserID, &session.Key.Provider, &session.Key.Subject, &begun, &seen, &session.Proof)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Session{}, account.ErrNotFound
	}
	session.Begun, session.Seen = time.Unix(0, begun).UTC(), time.Unix(0, seen).UTC()
	return session, err
}

func (s sqlStore) SeeSession(ctx context.Context, hash string, seen time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE sessions SET seen = $1 WHERE hash = $2`, seen.UnixNano(), hash)
	return err
}

func (s sqlStore) RemoveSession(ctx context.Context, hash string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE hash = $1`, hash)
	return err
}

func (s sqlStore) RemoveSessions(ctx context.Context, userID string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE user_id = $1`, userID)
	return err
}
