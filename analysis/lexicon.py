"""Words by which comments are filed under a dimension and a stage: a short list that anybody can read and dispute.

English entries are beginnings of words (``wait`` finds "waiting"); Chinese entries are found anywhere in the text, so
no program for cutting Chinese into words is needed.
"""

from __future__ import annotations

DIMENSIONS: dict[str, tuple[str, ...]] = {
    "tangibles": (
        "app", "atm", "website", "screen", "branch look", "lobby", "room", "privacy", "brochure", "document",
        "machine", "leaflet", "seat", "interface", "环境", "网点", "大厅", "机器", "柜员机", "手机银行",
        "界面", "资料", "座位", "设备", "隐私",
    ),
    "reliability": (
        "fee", "charge", "mistake", "error", "wrong", "accurate", "promise", "statement", "record", "correct",
        "deduct", "收费", "手续费", "扣款", "错误", "出错", "弄错", "准确", "承诺", "说话算数", "对账", "账单",
        "记录",
    ),
    "responsiveness": (
        "wait", "queue", "slow", "quick", "fast", "late", "delay", "call back", "respon", "hour",
        "answer the phone", "等", "排队", "慢", "快", "及时", "延误", "回电", "回复", "响应", "效率", "拖",
    ),
    "assurance": (
        "trust", "knowledge", "professional", "expert", "qualif", "security", "safe", "explain", "risk",
        "disclos", "信任", "专业", "资格", "安全", "解释", "风险", "说明", "放心", "可靠", "保密",
    ),
    "empathy": (
        "listen", "understand", "care", "patien", "friendly", "polite", "rude", "my needs", "pushy",
        "pressure", "respect", "倾听", "理解", "关心", "耐心", "态度", "礼貌", "冷漠", "需求", "推销", "尊重",
        "热情",
    ),
}  # fmt: skip

STAGES: dict[str, tuple[str, ...]] = {
    "encounter": (
        "first visit", "open an account", "opening", "appointment", "reception", "first meeting", "queue",
        "lobby", "开户", "预约", "接待", "第一次", "初次", "进门", "排队", "大厅",
    ),
    "transfer": (
        "advice", "recommend", "product", "purchase", "bought", "transaction", "sign", "contract", "plan",
        "建议", "推荐", "产品", "购买", "办理", "签", "合同", "方案", "交易",
    ),
    "tracking": (
        "follow", "afterwards", "after i", "after the", "since then", "review", "report", "update",
        "contact me", "statement", "售后", "后续", "回访", "跟踪", "之后", "定期", "通知", "报告", "联系我",
    ),
}  # fmt: skip

STOPWORDS = frozenset({
    "about", "after", "all", "also", "and", "any", "are", "bank", "because", "been", "before", "being", "but",
    "can", "could", "for", "from", "had", "has", "have", "here", "how", "into", "just", "more", "most", "not",
    "one", "only", "our", "out", "over", "please", "should", "some", "than", "that", "the", "their", "them",
    "then", "there", "they", "this", "very", "was", "were", "what", "when", "where", "which", "who", "will",
    "with", "would", "you", "your",
})  # fmt: skip
"""English words that say nothing about the service."""
