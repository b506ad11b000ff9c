"""life cycle, pilots, parked answers, order of items, quotas, devices and counts of the fieldwork"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

import surveys.tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql")


def upgrade() -> None:
    # Columns are added and dropped in place: a table that SQLite had to write anew would lose its rows' dependants.
    for column in (
        sa.Column("phase", sqlmodel.sql.sqltypes.AutoString(length=10), nullable=False, server_default="open"),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("pilot_of", sa.Integer(), nullable=True),
        sa.Column("invited_only", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("planned", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("margins", DOCUMENT, nullable=False, server_default="{}"),
        sa.Column("mails", DOCUMENT, nullable=False, server_default="{}"),
    ):
        op.add_column("survey", column)
    op.execute("UPDATE survey SET phase = 'closed' WHERE closed")
    op.execute("ALTER TABLE survey DROP COLUMN closed")
    for table in ("waiting", "submission"):
        for name in ("order", "flags"):
            op.add_column(table, sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "parked",
        sa.Column("code_hash", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("draft_hash", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("survey_id", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["survey.id"], name=op.f("fk_parked_survey_id_survey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_parked")),
        sa.UniqueConstraint("draft_hash", name=op.f("uq_parked_draft_hash")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_parked_survey_id"), "parked", ["survey_id"], unique=False)
    op.create_table(
        "reached",
        sa.Column("survey_id", sa.Integer(), nullable=False),
        sa.Column("way", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["survey.id"], name=op.f("fk_reached_survey_id_survey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("survey_id", "way", "step", name=op.f("pk_reached")),
    )
    op.create_table(
        "quota",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.Integer(), nullable=False),
        sa.Column("unit", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("channel", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("question", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("option", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("turned", sa.Integer(), nullable=False),
        sa.Column("filled_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["survey.id"], name=op.f("fk_quota_survey_id_survey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota")),
    )
    op.create_index(op.f("ix_quota_survey_id"), "quota", ["survey_id"], unique=False)
    op.create_table(
        "device",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("unit", sqlmodel.sql.sqltypes.AutoString(length=80), nullable=False),
        sa.Column("token_hash", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("pin", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("added_on", sa.Date(), nullable=False),
        sa.Column("seen_at", surveys.tables.UTCDateTime(timezone=True), nullable=True),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["survey_id"], ["survey.id"], name=op.f("fk_device_survey_id_survey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_device_token_hash")),
    )
    op.create_index(op.f("ix_device_survey_id"), "device", ["survey_id"], unique=False)


def downgrade() -> None:
    for table in ("device", "quota", "reached", "parked"):
        op.drop_table(table)
    for table in ("waiting", "submission"):
        for name in ("order", "flags"):
            op.execute(f'ALTER TABLE {table} DROP COLUMN "{name}"')
    op.execute("ALTER TABLE survey ADD COLUMN closed BOOLEAN NOT NULL DEFAULT FALSE")
    op.execute("UPDATE survey SET closed = TRUE WHERE phase IN ('closed', 'archived')")
    for name in ("pilot_of", "mails", "margins", "planned", "invited_only", "ended_on", "phase"):
        op.execute(f"ALTER TABLE survey DROP COLUMN {name}")
