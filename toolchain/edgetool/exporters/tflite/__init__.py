"""Export to TFLite: conversion, rewrites and quantisation."""
