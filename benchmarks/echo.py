"""The yardstick of `customer_cycle`: a form is read and counted, and nothing is stored."""

from fastapi import FastAPI, Request

app = FastAPI()


@app.post("/echo")
async def echo(request: Request) -> dict[str, int]:
    """How many fields came."""
    form = await request.form()
    return {"n": len(form)}
