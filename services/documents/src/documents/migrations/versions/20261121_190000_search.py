"""Full text search: a folding configuration for each language, what is found, and near words.

The extensions are trusted ones: the owner of a database may create them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20261121_190000"
down_revision: str | None = "20261121_180000"

# PostgreSQL's configurations, by the codes in which users (ISO 639-1) and Tesseract (639-2) speak.
_NAMES = """
arabic ar ara, armenian hy hye arm, basque eu eus baq, catalan ca cat, danish da dan,
dutch nl nld dut, english en eng, finnish fi fin, french fr fra fre, german de deu ger,
greek el ell gre, hindi hi hin, hungarian hu hun, indonesian id ind, irish ga gle,
italian it ita, lithuanian lt lit, nepali ne nep, norwegian no nor nb nob nn nno,
portuguese pt por, romanian ro ron rum, russian ru rus, serbian sr srp, spanish es spa,
swedish sv swe, tamil ta tam, turkish tr tur, yiddish yi yid
"""
_LANGUAGES = {
    "arabic": ("ar", "ara"),
    "armenian": ("hy", "hye", "arm"),
    "basque": ("eu", "eus", "baq"),
    "catalan": ("ca", "cat"),
    "danish": ("da", "dan"),
    "dutch": ("nl", "nld", "dut"),
    "english": ("en", "eng"),
    "finnish": ("fi", "fin"),
    "french": ("fr", "fra", "fre"),
    "german": ("de", "deu", "ger"),
    "greek": ("el", "ell", "gre"),
    "hindi": ("hi", "hin"),
    "hungarian": ("hu", "hun"),
    "indonesian": ("id", "ind"),
    "irish": ("ga", "gle"),
    "italian": ("it", "ita"),
    "lithuanian": ("lt", "lit"),
    "nepali": ("ne", "nep"),
    "norwegian": ("no", "nor", "nb", "nob", "nn", "nno"),
    "portuguese": ("pt", "por"),
    "romanian": ("ro", "ron", "rum"),
    "russian": ("ru", "rus"),
    "serbian": ("sr", "srp"),
    "spanish": ("es", "spa"),
    "swedish": ("sv", "swe"),
    "tamil": ("ta", "tam"),
    "turkish": ("tr", "tur"),
    "yiddish": ("yi", "yid"),
}

# Languages that PostgreSQL does not stem but Tesseract reads, so that they too have one name.
_UNSTEMMED = (
    ("cs", "ces", "cze"),
    ("he", "heb"),
    ("ja", "jpn"),
    ("ko", "kor"),
    ("pl", "pol"),
    ("uk", "ukr"),
    ("zh", "zho", "chi", "chi_sim", "chi_tra"),
)

# "deu+eng" is "de": a page is searched in the language that was named first.
_LANGUAGE = """
CREATE FUNCTION search_language(named text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE split_part(lower(coalesce(named, '')), '+', 1)
    WHEN '' THEN 'und' {cases} ELSE split_part(lower(named), '+', 1)
END
"""

_CONFIG = """
CREATE FUNCTION search_config(language text) RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE language {cases} ELSE 'quire_simple'::regconfig END
"""

# Without its punctuation, of which PostgreSQL's parser would make file names, hosts, tags and
# negative numbers that nobody looks for: a word is a run of letters and digits. Another
# character is never longer or shorter than what it replaces.
_FOLD = r"""
CREATE FUNCTION search_fold(written text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN translate(normalize(written), $$!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~$$, repeat(' ', 32))
"""

_VECTOR = """
CREATE FUNCTION search_vector(language text, written text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector(search_config(language), search_fold(written))
"""

# What a user says of a document is found from the same moment on, whoever changes it and how.
# A megabyte is the most that a tsvector may have, and metadata may be long.
_DOCUMENT = """
CREATE FUNCTION search_document() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    spoken text := search_language(NEW.language);
    labels text := concat_ws(' ', NEW.filename, array_to_string(NEW.tags, ' '));
    facts text := left((
        SELECT string_agg(fact #>> '{}', ' ') FROM jsonb_path_query(NEW.metadata, '$.**') AS fact
        WHERE jsonb_typeof(fact) IN ('string', 'number')
    ), 50000);
BEGIN
    INSERT INTO search_texts (document_id, page, user_id, language, text, search)
    VALUES (
        NEW.id, 0, NEW.user_id, spoken,
        concat_ws(E'\n', NEW.title, left(NEW.description, 20000), labels, facts),
        setweight(search_vector(spoken, NEW.title), 'A')
            || setweight(search_vector(spoken, labels), 'B')
            || setweight(search_vector(spoken, left(NEW.description, 20000)), 'C')
            || setweight(search_vector(spoken, coalesce(facts, '')), 'C')
    )
    ON CONFLICT (document_id, page) DO UPDATE
    SET language = EXCLUDED.language, text = EXCLUDED.text, search = EXCLUDED.search;
    RETURN NULL;
END $$
"""

# In their order, so that two pages with the same new words cannot wait for each other.
_WORDS = """
CREATE FUNCTION search_note_words() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO search_languages VALUES (NEW.user_id, NEW.language) ON CONFLICT DO NOTHING;
    INSERT INTO search_words (user_id, word, folded)
    SELECT NEW.user_id, word, unaccent(word)
    FROM unnest(tsvector_to_array(to_tsvector('simple', search_fold(NEW.text)))) AS word
    WHERE word ~ '^[[:alpha:]]{4,40}$'
    ORDER BY word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""

# The net under the events: a page that has not been indexed within ten minutes is looked after.
_BACKLOG = """
CREATE FUNCTION search_note_page() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO search_backlog (job_id, page, result_key, due_at)
    SELECT NEW.job_id, NEW.number, NEW.result_key, now() + interval '10 minutes'
    WHERE NOT EXISTS (
        SELECT FROM jobs JOIN search_texts USING (document_id)
        WHERE jobs.id = NEW.job_id
            AND search_texts.page = NEW.number AND search_texts.result_key = NEW.result_key
    )
    ON CONFLICT (job_id, page) DO UPDATE SET result_key = EXCLUDED.result_key;
    RETURN NULL;
END $$
"""

_TRIGGERS = (
    """CREATE TRIGGER search_texts_words AFTER INSERT OR UPDATE OF text, language ON search_texts
    FOR EACH ROW EXECUTE FUNCTION search_note_words()""",
    """CREATE TRIGGER documents_search
    AFTER INSERT OR UPDATE OF title, description, filename, tags, metadata, language ON documents
    FOR EACH ROW EXECUTE FUNCTION search_document()""",
    """CREATE TRIGGER pages_search AFTER INSERT OR UPDATE OF result_key ON pages
    FOR EACH ROW WHEN (NEW.result_key IS NOT NULL) EXECUTE FUNCTION search_note_page()""",
)

# What was there before.
_SEED = (
    "UPDATE documents SET title = title",
    """INSERT INTO search_backlog (job_id, page, result_key, due_at)
    SELECT job_id, number, result_key, now() FROM pages WHERE result_key IS NOT NULL""",
)


def upgrade() -> None:
    for extension in ("unaccent", "pg_trgm", "btree_gin"):
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    _create_configurations()
    _create_tables()
    for statement in (_FOLD, _VECTOR, _DOCUMENT, _WORDS, _BACKLOG, *_TRIGGERS, *_SEED):
        # Not through SQLAlchemy, which would take `:alpha:` for a parameter.
        op.get_bind().exec_driver_sql(statement)


def _create_configurations() -> None:
    for name in ("simple", *_LANGUAGES):
        dictionary = "simple" if name == "simple" else f"{name}_stem"
        op.execute(f"CREATE TEXT SEARCH CONFIGURATION quire_{name} (COPY = pg_catalog.{name})")
        for tokens, last in (("word, hword, hword_part", dictionary), ("numword", "simple")):
            op.execute(
                f"ALTER TEXT SEARCH CONFIGURATION quire_{name}"
                f" ALTER MAPPING FOR {tokens} WITH unaccent, {last}"
            )
    languages = " ".join(
        f"WHEN '{code}' THEN '{codes[0]}'"
        for codes in (*_LANGUAGES.values(), *_UNSTEMMED)
        for code in codes
    )
    configs = " ".join(
        f"WHEN '{codes[0]}' THEN 'quire_{name}'::regconfig" for name, codes in _LANGUAGES.items()
    )
    op.get_bind().exec_driver_sql(_LANGUAGE.replace("{cases}", languages))
    op.get_bind().exec_driver_sql(_CONFIG.replace("{cases}", configs))


def _create_tables() -> None:
    op.create_table(
        "search_texts",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("result_key", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("search", postgresql.TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "page", name="pk_search_texts"),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name="fk_search_texts_document_id",
            ondelete="CASCADE",
        ),
    )
    for name, which in (("documents", "page = 0"), ("pages", "page > 0")):
        op.create_index(
            f"ix_search_texts_{name}",
            "search_texts",
            ["user_id", "language", "search"],
            postgresql_using="gin",
            postgresql_where=sa.text(which),
            # New entries wait in a list that every search reads whole: a short one.
            postgresql_with={"gin_pending_list_limit": 256},
        )
    op.create_table(
        "search_languages",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "language", name="pk_search_languages"),
    )
    op.create_table(
        "search_words",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "word", name="pk_search_words"),
    )
    op.create_index(
        "ix_search_words_user_id_folded",
        "search_words",
        ["user_id", "folded"],
        postgresql_using="gin",
        postgresql_ops={"folded": "gin_trgm_ops"},
    )
    op.create_table(
        "search_backlog",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("result_key", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "page", name="pk_search_backlog"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_search_backlog_job_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_search_backlog_due_at", "search_backlog", ["due_at"])


def downgrade() -> None:
    """Take everything back but the extensions, which others may have come to use."""
    for trigger, table in (("pages_search", "pages"), ("documents_search", "documents")):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for table in ("search_backlog", "search_words", "search_languages", "search_texts"):
        op.drop_table(table)
    for name in ("search_note_page", "search_note_words", "search_document", "search_vector"):
        op.execute(f"DROP FUNCTION {name}")
    for name in ("search_fold", "search_config", "search_language"):
        op.execute(f"DROP FUNCTION {name}")
    for name in ("simple", *_LANGUAGES):
        op.execute(f"DROP TEXT SEARCH CONFIGURATION quire_{name}")
